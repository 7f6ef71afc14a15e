//! What the practice does with the work that it was given: it follows her up, refers her until the report was read, enrols her, and has
//! the review of the year with her. Its EHR writes some of it, its care manager does some on the patient's page.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::ehr::StandInEhr;
use super::ehr_client::{EhrClient, GatewayAt};
use super::ehr_shelf::Held;
use super::referral::Referral;
use super::timeline::{say, tell};
use super::{morning, story};
use crate::pipeline::{EnrolStep, EnrolWord, Gateway, GoalWord, Operation};
use crate::protocol::Holder;

/// Between two things that it does, so that a person can follow.
const PAUSE: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(30);
const PANEL: &str = "lakeside";
const MANAGER: &str = "console:Nia Brooks RN";
/// Of the story's patient, as far as it is asked for.
const READINGS: usize = 100;
/// The code of every alert.
const ALERT: &str = "measurement-alert";

const REHABILITATION: Referral =
    Referral { member: story::MEMBER, what: "Pulmonary rehabilitation", to: "Riverside Pulmonary Rehabilitation" };

/// The practice: its EHR, and the gateway that it writes to.
pub(super) struct Practice<'p> {
    pub gateway: &'p Gateway,
    pub ehr: &'p StandInEhr,
    pub client: &'p EhrClient,
    pub at: GatewayAt<'p>,
}

impl Practice<'_> {
    /// What it wrote of referrals in the weeks before.
    pub async fn tell_referrals(&self, now: Timestamp) -> anyhow::Result<()> {
        for morning::Referred { referral, days, accepted, appointment } in morning::REFERRALS {
            let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
            let request = self.client.create(self.at, referral.request(ago(days))).await?;
            if let Some(days) = accepted {
                self.client.create(self.at, referral.answer(&request, "accepted", ago(days))).await?;
            }
            if let (Some(made), Some(days)) = (accepted, appointment) {
                let status = if days > 0 { "fulfilled" } else { "booked" };
                self.client.create(self.at, referral.appointment(&request, status, ago(made), ago(days))).await?;
            }
        }
        Ok(())
    }

    /// Who comes today.
    pub async fn tell_appointments(&self, now: Timestamp) -> anyhow::Result<()> {
        let site = self.gateway.site.load_full();
        let zone = site.panels.get(PANEL).context("the demo's practice has no panel")?.practice.zone.clone();
        for booked in &morning::APPOINTMENTS {
            self.client.create(self.at, booked.appointment(&now.to_zoned(zone.clone()))?).await?;
        }
        Ok(())
    }

    /// Waits until the EHR holds what the visit brings, or says what is missing; then does it.
    pub async fn care(&self) -> anyhow::Result<()> {
        let called = self.owed("ed-follow-up").await?;
        self.owed(ALERT).await?;
        self.until("the COPD CarePlan", || self.ehr.all("CarePlan").into_iter().find(is_hers)).await?;
        self.follow_up(&called).await?;
        self.refer().await?;
        self.enrol().await?;
        self.review().await
    }

    async fn follow_up(&self, called: &Held) -> anyhow::Result<()> {
        say("");
        tell("practice", "called the patient, and closes the Task in its own EHR");
        let status = self.client.close(self.at, called, "Reached at home, comes in on Friday").await?;
        tell("answer", &format!("{status}: the Task is closed in the record, too"));
        tell("practice", "a pulse oximeter at home sends a reading");
        self.client.create(self.at, EhrClient::reading(called)?).await?;
        tell("answer", "it is in the record, and no alert is owed for it");
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// A referral from its request until its report was read; what takes weeks is told at once.
    async fn refer(&self) -> anyhow::Result<()> {
        let (client, at, now) = (self.client, self.at, Timestamp::now());
        say("");
        tell("practice", "refers her to pulmonary rehabilitation (what takes weeks is told here at once)");
        let request = client.create(at, REHABILITATION.request(now)).await?;
        self.stands(&request, "requested").await?;
        tell("centre", "accepts her");
        let answer = client.create(at, REHABILITATION.answer(&request, "accepted", now)).await?;
        self.stands(&request, "accepted").await?;
        tell("centre", "gives her an appointment");
        let booked = client.create(at, REHABILITATION.appointment(&request, "booked", now, now)).await?;
        self.stands(&request, "scheduled").await?;
        tell("centre", "sees her: that alone closes nothing");
        client.update(at, &booked, REHABILITATION.appointment(&request, "fulfilled", now, now)).await?;
        self.stands(&request, "seen").await?;
        tell("centre", "sends its report, which somebody has to read");
        let said = "Twelve sessions agreed, twice a week; walks 280 m in six minutes.";
        client.create(at, REHABILITATION.report(&request, said, now)).await?;
        client.update(at, &answer, REHABILITATION.answer(&request, "completed", now)).await?;
        self.stands(&request, "reported").await?;
        let read = self.owed("referral-loop-review").await?;
        tell("practice", "reads the report, tells her what it means, and closes that Task in its own EHR");
        client.close(at, &read, "Read, and told her what it means").await?;
        self.stands(&request, "").await
    }

    async fn enrol(&self) -> anyhow::Result<()> {
        say("");
        tell(
            "manager",
            "Nia Brooks enrols her in the programme for who needs more, as she would on the patient's page",
        );
        let lead = Holder { id: "nia.brooks".to_string(), name: "Nia Brooks RN".to_string() };
        let word = EnrolWord {
            programme: "enhanced-care".to_string(),
            step: EnrolStep::Enrol,
            level: Some(0),
            lead: Some(lead),
            why: "the third exacerbation this winter, and afraid to go out".to_string(),
            once: "demo".to_string(),
            sees_few: false,
        };
        let enrolled = self.gateway.enrol(story::person(), &word, MANAGER).await;
        let enrolled = enrolled.map_err(|problem| anyhow!("she could not be enrolled: {problem}"))?;
        tell("answer", &format!("she is enrolled, and what that brings is owed: {} resources changed", enrolled.len()));
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// Her birthday was five days ago, and the first contact of the week is owed: both in one visit at home.
    async fn review(&self) -> anyhow::Result<()> {
        let (review, contact) =
            (self.owed("yearly-review-review").await?, self.owed("enhanced-care-contact-weekly").await?);
        say("");
        tell("manager", "visits her at home: her own goal first, and the questions that wait");
        let goal = GoalWord {
            words: "To walk to the market and back, and not be afraid on the way".to_string(),
            language: "en".to_string(),
            rank: Some(1),
            patient_part: "Walks to the corner every morning".to_string(),
            team_part: "Calls on Mondays; goes along to the first session".to_string(),
            ..GoalWord::default()
        };
        let said = self.gateway.say_goal(story::person(), &goal, MANAGER).await;
        said.map_err(|problem| anyhow!("her goal could not be written down: {problem}"))?;
        for (question, answer) in [("goals", "written-down"), ("barriers", "nothing"), ("level", "right")] {
            self.answer(question, answer).await?;
        }
        tell("answer", "her goal is in the plan, and three questions are answered until they are due again");
        let (closed, kept) = ("Had the review at home; her goal leads the plan", "Seen at home, plan reviewed");
        self.client.close(self.at, &review, closed).await?;
        let status = self.client.close(self.at, &contact, kept).await?;
        tell("answer", &format!("{status}: the review of the year and the contact of the week are done"));
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// Answers a question that her plan asks.
    async fn answer(&self, question: &str, answer: &str) -> anyhow::Result<()> {
        let known = self.gateway.load(story::person(), READINGS).await?;
        let asks = |work: &Value| {
            let is = |key: &str, word: &str| work.get(key).and_then(Value::as_str) == Some(word);
            is("protocol", "enhanced-care") && is("rule", question)
        };
        let flag = known.record.of_type("Flag").find(|flag| flag.state.work.as_ref().is_some_and(asks));
        let flag = flag.with_context(|| format!("nobody asks about {question}"))?;
        let answered = self.gateway.answer(flag.id, answer, MANAGER).await;
        answered.map_err(|problem| anyhow!("the question about {question} could not be answered: {problem}"))?;
        Ok(())
    }

    /// Says where the referral stands on the board; where `stage` is empty it is to be closed.
    async fn stands(&self, request: &str, stage: &str) -> anyhow::Result<()> {
        let board = self.gateway.perform(Operation::Referrals { panel: PANEL.to_string() }).await;
        let board = board.map_err(|problem| anyhow!("the board of referrals: {problem}"))?;
        let rows = board.get("rows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let id = request.strip_prefix("ServiceRequest/").unwrap_or(request);
        let says = |row: &Value, key: &str| Some(row.get("referral")?.get(key)?.as_str()?.to_string());
        let own = rows.iter().find(|row| says(row, "request").as_deref() == Some(id));
        let stands = own.and_then(|row| says(row, "stage")).unwrap_or_default();
        if stands != stage {
            bail!("the referral is `{stands}` on the board where `{stage}` is due");
        }
        let open = rows.len();
        match stage {
            "" => tell("board", &format!("the loop is closed: it is off the board ({open} others are open)")),
            _ => tell("board", &format!("{stage} ({open} open in all)")),
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// The open Task of hers with this code, once the EHR holds it; each but an alert has a day until which it is to be done.
    async fn owed(&self, code: &str) -> anyhow::Result<Held> {
        let is_it = |held: &Held| {
            let resource = &held.resource;
            let due = resource.get("restriction").and_then(|restriction| restriction.pointer("/period/end"));
            let is_due = code == ALERT || due.is_some();
            let is_coded = resource.codings("code").iter().any(|(_, known)| *known == code);
            is_hers(held) && is_coded && is_due && resource.text("status") == Some("requested")
        };
        self.until(&format!("an open Task `{code}`"), || self.ehr.all("Task").into_iter().find(is_it)).await
    }

    async fn until<T>(&self, what: &str, found: impl Fn() -> Option<T>) -> anyhow::Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found() {
                return Ok(found);
            }
            if Instant::now() > until {
                bail!("the practice's EHR does not hold {what}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Whether it is about the patient of the story, whom the practice knows by its own number.
fn is_hers(held: &Held) -> bool {
    let about = |name: &str| held.resource.get(name)?.pointer("/identifier/value")?.as_str();
    about("for").or_else(|| about("subject")) == Some(story::MEMBER)
}
