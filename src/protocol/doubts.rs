//! What rules cannot judge about patients, visits and diagnoses, said once, by the input that stated it: a class that is not
//! told, a code without its system, a medicine that no table knows, a death that the patient's own data deny, a date of birth without a day.

use jiff::civil::Date;

use super::facts::Facts;
use super::medicine::Medicine;
use crate::fhir::code_system;
use crate::problem::{Category, Place, Problem};
use crate::record::Stored;
use crate::unused::{Duty, Kind};

pub fn tell(facts: &Facts<'_>, asks_medicines: bool, problems: &mut Vec<Problem>) {
    let visits = facts.visits.iter().filter(|visit| is_new(facts, visit.stored) && visit.status == "finished");
    for visit in visits {
        if matches!(visit.class, "" | "UNK" | "U") {
            let text = "the class of a visit that ended is not told (PV1-2), so no rule knows whether somebody is owed a call: look \
                        whether it was in an emergency department or a ward";
            problems.push(doubt("Encounter.class", text).unused(Kind::Visit, "PV1-2").owed_by(Duty::Practice));
        }
    }
    let died = facts.visits.iter().filter(|visit| visit.ended_in_death(facts.value_sets));
    for death in died {
        let is_news = is_new(facts, death.stored) || facts.patient.is_some_and(|patient| is_new(facts, patient));
        let later = facts.visits.iter().any(|visit| {
            visit.is_real() && visit.start > death.end && death.end.is_some() && is_new(facts, visit.stored)
        });
        if later || (is_news && facts.is_said_alive()) {
            let text = "a visit ended with the patient's death (PV1-36), and other statements (PID-30, a later visit) say \
                        that the patient lives; nothing is owed until the hospital corrects one of them: ask";
            let problem = doubt("Encounter.hospitalization.dischargeDisposition", text);
            problems.push(problem.unused(Kind::Visit, "PV1-36 against PID-30").owed_by(Duty::Practice));
        }
    }
    for condition in facts.diagnoses().filter(|condition| is_new(facts, condition)) {
        let codings = condition.resource.codings("code");
        if !codings.is_empty() && codings.iter().all(|(system, _)| system.is_empty()) {
            let text = "a diagnosis has a code without a code system, so no rule knows it; the sender should name the system \
                        (DG1-3.3, or DG1-2)";
            problems.push(doubt("Condition.code", text).unused(Kind::Diagnosis, "DG1-3.3").owed_by(Duty::Feed));
        }
    }
    for medicine in facts.unknown_medicines(|stored| asks_medicines && is_new(facts, stored)) {
        let text = "no table knows this medicine by its code or its name, so no rule that asks for a class of medicines (an inhaled steroid, an \
                    anticoagulant) counts it; add its code to the value set of its class, or to medicine-other where it is in none";
        problems.push(doubt("medication", text).unused(Kind::Code, &code_of(medicine)).owed_by(Duty::Feed));
    }
    if let Some(patient) = facts.patient.filter(|patient| is_new(facts, patient))
        && patient.resource.text("birthDate").is_some_and(|birth| birth.parse::<Date>().is_err())
    {
        let text = "the date of birth is not a whole day, so no rule that goes by age counts this patient (PID-7)";
        problems.push(
            doubt("Patient.birthDate", text).unused(Kind::Identity, "PID-7 without a day").owed_by(Duty::Practice),
        );
    }
    problems.dedup();
}

/// `rxnorm 12345`, by which a person looks it up.
fn code_of(medicine: &Medicine) -> String {
    let name = |system: &&str| code_system(system).map_or(*system, |known| known.name).to_string();
    let codings = medicine.codings();
    let first = codings.first();
    first.map_or_else(
        || "a medicine without a code".to_string(),
        |(system, code)| format!("{} {code}", name(system)).trim().to_string(),
    )
}

fn doubt(element: &str, text: &str) -> Problem {
    // Nothing lost: whoever asks says what is unused.
    Problem::warning(Category::Incomplete, Place::Element(element.to_string()), text)
}

/// Written by the input at hand; what others wrote was said then.
fn is_new(facts: &Facts<'_>, stored: &Stored) -> bool {
    stored.updated == facts.now
}
