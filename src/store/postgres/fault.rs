//! What an error of the database means to the caller. Never repeats values: the detail of a database error holds them.

use tokio_postgres::error::SqlState;

use crate::store::StoreError;

pub fn fault(error: &tokio_postgres::Error) -> StoreError {
    let Some(database) = error.as_db_error() else {
        // Why there is no connection is told with its cause, which is about certificates and addresses.
        let text = error.to_string();
        let connecting = ["error performing TLS handshake", "error connecting to server"].contains(&text.as_str());
        let cause = std::error::Error::source(error).filter(|_| connecting);
        return StoreError::Unavailable(match cause {
            Some(cause) => format!("PostgreSQL: {text}: {cause}"),
            None => format!("PostgreSQL: {text}"),
        });
    };
    let code = database.code();
    if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        tracing::warn!(
            "PostgreSQL 25P02: a statement was answered after another of its transaction had failed, unheard"
        );
    }
    if is_conflict(code) {
        return StoreError::Conflict;
    }
    // Classes about the server's own state say nothing of the data; of others only the code is safe to tell.
    let about_server =
        ["08", "28", "3D", "42", "53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class));
    let text = if about_server { database.message() } else { "the statement was refused" };
    StoreError::Unavailable(format!("PostgreSQL {}: {text}", code.code()))
}

/// Whether the same unit may be written when it is decided anew. Statements are sent before the earlier ones are answered, and what is heard first may
/// be that the transaction had failed already (25P02) instead of the deadlock for which it did.
fn is_conflict(code: &SqlState) -> bool {
    [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::IN_FAILED_SQL_TRANSACTION]
        .contains(&code)
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        fault(&error)
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => fault(&error),
            deadpool_postgres::PoolError::Timeout(_) => {
                Self::Unavailable("no connection to PostgreSQL became free in time".to_string())
            }
            other => Self::Unavailable(format!("PostgreSQL: {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadlock_is_a_conflict_however_it_is_heard_of() {
        for (code, expected) in
            [("40001", true), ("40P01", true), ("25P02", true), ("25006", false), ("57014", false), ("23505", false)]
        {
            assert_eq!(is_conflict(&SqlState::from_code(code)), expected, "{code}");
        }
    }
}
