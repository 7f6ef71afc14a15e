//! Messages as people look for them: the words of a question, with the patient who is meant found, as what the store is asked.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Gateway;
use super::message_words::{MessageWords, refused};
use super::operation::fault;
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::problem::Problem;
use crate::store::{AuditEntry, Cursor, FindWord, MOST_PEOPLE, MessageFilter, PeopleQuery, StoreError, WriteUnit};

/// People who may have one number; more are told apart by its system.
const MOST_NAMESAKES: usize = 50;

/// What the words came to.
#[derive(Debug, Clone)]
pub struct Sought {
    pub filter: MessageFilter,
    /// The zone that days are of.
    pub zone: TimeZone,
    /// The patients who have the number.
    pub patients: Vec<ResourceId>,
}

impl Gateway {
    /// Reads the words. Days are of the feed's zone, or of the one that all share.
    pub async fn sought(&self, words: &MessageWords) -> Result<Sought, Problem> {
        let (words, site) = (words.given(), self.site.load_full());
        let feed = words.feed.as_ref().and_then(|feed| site.feeds.get(feed));
        let zone = feed.map_or_else(|| site.zone(), |feed| feed.zone.clone());
        let mut filter = words.read(&zone, self.clock.now())?;
        let mut patients = Vec::new();
        if let Some(text) = &words.patient {
            patients = self.namesakes(text).await?;
            filter.patients = Some(self.ever_known_as(&patients).await.map_err(fault)?);
        }
        Ok(Sought { filter, zone, patients })
    }

    /// Who is meant by an id or a number.
    async fn namesakes(&self, text: &str) -> Result<Vec<ResourceId>, Problem> {
        if let Ok(id) = text.trim_start_matches("Patient/").parse::<ResourceId>() {
            return Ok(vec![id]);
        }
        if let Some((system, value)) = text.split_once('|') {
            let found = self.store.persons_of(&[Identifier::new(system, value)]).await.map_err(fault)?;
            return Ok(found.into_iter().flatten().map(ResourceId::patient).collect());
        }
        let query = PeopleQuery { parts: vec![vec![FindWord::number(text, true)]] };
        // Nothing lost: where there are more, whoever asks is told.
        let found = self.store.find_people(&query, 0, MOST_NAMESAKES).await.map_err(fault)?;
        // Nothing lost: whoever asks is told.
        if found.total.is_none_or(|total| total > MOST_NAMESAKES) {
            // Nothing lost: whoever asks is told.
            let many = found.total.map_or_else(|| format!("more than {MOST_PEOPLE}"), |total| total.to_string());
            return Err(refused(format!("{many} patients have the number {text}; say whose as system|number")));
        }
        Ok(found.items.into_iter().map(|stored| stored.id).collect())
    }

    /// The ids under which messages may name them: also those of records that were merged into theirs.
    async fn ever_known_as(&self, patients: &[ResourceId]) -> Result<Vec<String>, StoreError> {
        let mut all: Vec<PersonId> = Vec::new();
        for patient in patients {
            all.push(patient.person);
            all.extend(self.store.head(patient.person).await?.map(|head| head.absorbed).unwrap_or_default());
        }
        all.sort_unstable();
        all.dedup();
        Ok(all.into_iter().map(|person| ResourceId::patient(person).to_string()).collect())
    }

    pub(super) async fn list_messages(
        &self,
        words: &MessageWords,
        after: Option<String>,
        count: usize,
    ) -> Result<Value, Problem> {
        let filter = self.sought(words).await?.filter;
        let found = self.store.find_messages(&filter, after.map(Cursor).as_ref(), count).await.map_err(fault)?;
        let counted = self.store.count_messages(&filter).await.map_err(fault)?;
        Ok(json!({
            "items": found.items,
            "next": found.next,
            "count": filter.text.is_none().then_some(counted.count),
            "exact": filter.text.is_none() && counted.is_exact,
            "looked": found.looked,
            "reached": found.reached,
        }))
    }
    /// Writes down that somebody did something with the messages that these words name.
    pub(super) async fn note_of_messages(
        &self,
        words: &MessageWords,
        who: &str,
        action: &str,
        because: String,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at: self.clock.now(),
            agent: who.to_string(),
            action: action.to_string(),
            person: None,
            subject: format!("messages: {}", words.in_words()),
            allowed: true,
            because,
        };
        self.store.commit(WriteUnit { audit: vec![entry], ..WriteUnit::default() }).await.map(|_| ())
    }
}
