//! One-time values, and pieces of state by name.

use crate::given::at;

on_every_store! {
    async fn a_value_is_new_once_until_it_expires(place) {
        let store = place.open();
        assert!(store.remember_once("jti", "a", at(100), at(0)).await.unwrap());
        assert!(!store.remember_once("jti", "a", at(200), at(50)).await.unwrap());
        let known = async |kind, value, seconds| store.is_remembered(kind, value, at(seconds)).await.unwrap();
        assert!(known("jti", "a", 99).await && !known("jti", "a", 100).await && !known("login", "a", 50).await);
        assert!(store.remember_once("login", "a", at(100), at(50)).await.unwrap());
        assert!(store.remember_once("jti", "b", at(100), at(50)).await.unwrap());
        assert!(store.remember_once("jti", "a", at(300), at(101)).await.unwrap());
        assert!(!store.remember_once("jti", "a", at(300), at(102)).await.unwrap());
    }

    async fn of_many_who_come_at_once_one_is_first(place) {
        let store = place.open();
        let tries = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.remember_once("jti", "x", at(100), at(0)).await.unwrap() })
        });
        let mut first = 0;
        for one in tries.collect::<Vec<_>>() {
            first += usize::from(one.await.unwrap());
        }
        assert_eq!(first, 1);
    }

    async fn state_is_kept_by_name(place) {
        let store = place.open();
        assert_eq!(store.get_state("key").await.unwrap(), None);
        store.put_state("key", &[1, 2, 3]).await.unwrap();
        store.put_state("key2", &[]).await.unwrap();
        store.put_state("key", &[4]).await.unwrap();
        assert_eq!(store.get_state("key").await.unwrap(), Some(vec![4]));
        assert_eq!(store.get_state("key2").await.unwrap(), Some(vec![]));
    }
}
