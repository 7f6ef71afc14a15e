//! The words by which commands look for messages: the same as on the page.

use crate::pipeline::MessageWords;

/// Which messages.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SoughtArguments {
    /// Only from this feed; what a partner wrote comes from `fhir:PARTNER`.
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// Only of who has this number, as it stands in messages, or as system|number; or our id.
    #[arg(long, value_name = "NUMBER")]
    patient: Option<String>,
    /// Only with this control id (MSH-10).
    #[arg(long, value_name = "ID")]
    control: Option<String>,
    /// Only of this event: `ADT^A03`, `ADT`, `A03`; `FHIR` is all that partners wrote.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only with something of this kind that could not be used, as `handover unused` names it.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what was applied, ignored, error (AE) or rejected (AR).
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Received from then on: a day, a time, or how long ago (30d, 12h, 45m). Days are of the feed's zone.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Received until then: a day, to its end, or a time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only with this text in the message, whatever the case of its letters.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only those answered AE or AR.
    #[arg(long)]
    faulty: bool,
}

impl SoughtArguments {
    pub fn words(&self) -> MessageWords {
        MessageWords {
            feed: self.feed.clone(),
            patient: self.patient.clone(),
            control: self.control.clone(),
            event: self.event.clone(),
            kind: self.kind.clone(),
            outcome: self.outcome.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            text: self.text.clone(),
            faulty: self.faulty,
        }
    }
}
