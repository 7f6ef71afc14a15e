//! How things stand, as everybody may ask it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use crate::pipeline::{Gateway, GatewayHealth};

/// The newest answer and when it was begun. Anybody may ask how things stand, as often as they like: the store is asked by one at a
/// time, and those who meanwhile wait share the answer that was begun after the last of them came.
#[derive(Clone, Default)]
pub struct Standing(Arc<Mutex<Option<Begun>>>);

type Begun = (Instant, Arc<GatewayHealth>);

impl Standing {
    pub(super) async fn of(&self, gateway: &Arc<Gateway>) -> Arc<GatewayHealth> {
        let (came, newest, asked) = (Instant::now(), self.clone(), gateway.clone());
        // The store reads on when whoever asked leaves, so the next must wait as long.
        let answer = actix_web::rt::spawn(async move {
            let mut newest = newest.0.lock().await;
            match &*newest {
                Some((begun, health)) if *begun >= came => health.clone(),
                _ => {
                    let (begun, health) = (Instant::now(), Arc::new(asked.health().await));
                    *newest = Some((begun, health.clone()));
                    health
                }
            }
        });
        match answer.await {
            Ok(health) => health,
            Err(_) => Arc::new(gateway.health().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::trial::Trial;

    #[actix_web::test]
    async fn who_asks_at_once_shares_an_answer_and_nobody_gets_an_older_one() {
        let service = Trial::new().await.service;
        let asked = (0..20).map(|_| service.standing.of(&service.gateway));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, &answers[0])));
        assert!(!Arc::ptr_eq(&service.standing.of(&service.gateway).await, &answers[0]));
    }
}
