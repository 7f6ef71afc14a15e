//! Brings the tables to what this program needs. Migrations are numbered, run once each, in order, in one transaction.

use tokio_postgres::Client;

use super::{looks, messages, outbox, people, sought, values, worklist};
use crate::store::StoreError;

const MIGRATIONS: &[(usize, &str)] = &[
    (1, include_str!("migrations/001-initial.sql")),
    (2, include_str!("migrations/002-finished.sql")),
    (3, include_str!("migrations/003-unused.sql")),
    (4, include_str!("migrations/004-worklist.sql")),
    (5, include_str!("migrations/005-created.sql")),
    (6, include_str!("migrations/006-looks.sql")),
    (7, include_str!("migrations/007-others.sql")),
    (8, include_str!("migrations/008-lines.sql")),
    (9, include_str!("migrations/009-pages.sql")),
    (10, include_str!("migrations/010-copies.sql")),
    (11, include_str!("migrations/011-people.sql")),
    (12, include_str!("migrations/012-lists.sql")),
    (13, include_str!("migrations/013-searches.sql")),
    (15, include_str!("migrations/015-history.sql")),
    (18, include_str!("migrations/018-sought.sql")),
    (19, include_str!("migrations/019-guided.sql")),
];
/// The layout whose tables the program fills, because only it can say what open work is.
const WORKLIST: usize = 12;
/// The layout from which on a delivery's row says when it was made; of those of before its document alone does.
const CREATED: usize = 5;
/// The layout from which on a resource's row says whether it waits for a look.
const LOOKS: usize = 6;
/// The layout from which on a message is found by every patient it is about.
const OTHERS: usize = 7;
/// The layout from which on the words by which people are found are kept.
const PEOPLE: usize = 11;
/// The layout from which on messages are found by what people look for.
const SOUGHT: usize = 18;
/// Any number, but always this: gateways that start together take turns.
const LOCK: i64 = 0x6861_6e64_6f76;

pub async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, at timestamptz NOT NULL)")
        .await?;
    let row = transaction.query_one("SELECT coalesce(max(number), 0) FROM migration", &[]).await?;
    let done: i32 = row.try_get(0)?;
    let done = usize::try_from(done).unwrap_or_default();
    let newest = MIGRATIONS.iter().map(|(number, _)| *number).max().unwrap_or_default();
    if done > newest {
        return Err(StoreError::Refused(format!(
            "the database has layout {done}, this program knows {newest}; use the newer program"
        )));
    }
    for (number, migration) in MIGRATIONS.iter().filter(|(number, _)| *number > done) {
        transaction.batch_execute(migration).await?;
        let number = i32::try_from(*number).unwrap_or_default();
        transaction.execute("INSERT INTO migration VALUES ($1, now())", &[&number]).await?;
    }
    if done < WORKLIST {
        worklist::build(&transaction).await?;
    }
    if done < CREATED {
        outbox::fill_created(&transaction).await?;
    }
    if done < LOOKS {
        looks::build(&transaction).await?;
    }
    if done < OTHERS {
        messages::fill_others(&transaction).await?;
    }
    if done < PEOPLE {
        people::build(&transaction).await?;
    }
    if done < SOUGHT {
        sought::fill(&transaction).await?;
    }
    transaction.commit().await?;
    values::complete(client).await
}
