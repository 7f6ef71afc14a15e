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
    if [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED].contains(&code) {
        return StoreError::Conflict;
    }
    // Classes about the server's own state say nothing of the data; of others only the code is safe to tell.
    let about_server =
        ["08", "28", "3D", "42", "53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class));
    let text = if about_server { database.message() } else { "the statement was refused" };
    StoreError::Unavailable(format!("PostgreSQL {}: {text}", code.code()))
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
