//! A practice's morning before the story: what the hospital told of eleven more people in the weeks before, how far those came who were
//! referred, and who comes today, so that the pages show a day's work. All of them are synthetic.

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use super::hospital::{Hospital, Stay, message};
use super::referral::{Referral, patient};

/// Rows of the practice's roster beyond those of the demo site.
pub(super) const MORE_MEMBERS: &str = "L-1009,4719,Dr. Helen Park,Nia Brooks RN,es,555-014-1009
L-1010,4720,Dr. Samuel Osei,Nia Brooks RN,en,555-014-1010
L-1011,4721,Dr. Helen Park,Ruth Adler LCSW,sv,555-014-1011
L-1012,4722,Dr. Samuel Osei,Ruth Adler LCSW,en,555-014-1012
";

/// A referral of the weeks before, and how far it has come: all in days ago.
pub(super) struct Referred {
    pub referral: Referral,
    pub days: i64,
    pub accepted: Option<i64>,
    /// When the appointment was, or is.
    pub appointment: Option<i64>,
}

/// One without an answer, one accepted, one with an appointment to come, one seen of which no report has come.
pub(super) const REFERRALS: [Referred; 4] = [
    Referred {
        referral: Referral { member: "L-1003", what: "Cardiology", to: "Riverside Cardiology" },
        days: 12,
        accepted: None,
        appointment: None,
    },
    Referred {
        referral: Referral { member: "L-1012", what: "Psychotherapy", to: "Mill Lane Counselling" },
        days: 9,
        accepted: Some(4),
        appointment: None,
    },
    Referred {
        referral: Referral { member: "L-1009", what: "Eye examination", to: "Springfield Eye Clinic" },
        days: 8,
        accepted: Some(6),
        appointment: Some(-5),
    },
    Referred {
        referral: Referral { member: "L-1007", what: "Cardiac rehabilitation", to: "Riverside Heart Centre" },
        days: 40,
        accepted: Some(36),
        appointment: Some(20),
    },
];

/// An appointment at the practice today, by its clock.
pub(super) struct Booked {
    member: &'static str,
    at: (i8, i8),
    what: &'static str,
    with: &'static str,
}

/// One after a stay, one for a pressure that rose, one for a sugar that was too low, one for a mood that is heavy.
pub(super) const APPOINTMENTS: [Booked; 4] = [
    Booked { member: "L-1002", at: (9, 20), what: "After the hospital: weight and medicines", with: "Dr. Helen Park" },
    Booked { member: "L-1003", at: (10, 0), what: "Blood pressure", with: "Dr. Samuel Osei" },
    Booked { member: "L-1009", at: (11, 40), what: "Diabetes", with: "Dr. Helen Park" },
    Booked { member: "L-1012", at: (14, 20), what: "How the tablets help", with: "Dr. Samuel Osei" },
];

impl Booked {
    /// As the practice's EHR tells of it (http://hl7.org/fhir/R4/appointment.html).
    pub fn appointment(&self, now: &Zoned) -> anyhow::Result<Value> {
        let start = now.date().at(self.at.0, self.at.1, 0, 0).to_zoned(now.time_zone().clone())?.timestamp();
        let (end, patient) = (start + SignedDuration::from_mins(20), patient(self.member));
        Ok(
            json!({ "resourceType": "Appointment", "status": "booked", "start": start.to_string(), "end": end.to_string(),
            "reasonCode": [{ "text": self.what }],
            "participant": [{ "actor": patient, "status": "accepted" },
                { "actor": { "display": self.with }, "status": "accepted" }] }),
        )
    }
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// Somebody of the roster (PID-3, 5, 7, 8, 13).
#[derive(Debug, Clone, Copy)]
struct Somebody(u32, &'static str, &'static str, &'static str);

/// Writes what the hospital told, message by message.
struct Past {
    hospital: Hospital,
    messages: Vec<String>,
}

/// A reading's code, name and unit (OBX-3, OBX-6).
type Measure = (&'static str, &'static str, &'static str);

const WEIGHT: Measure = ("29463-7", "Body weight", "[lb_av]");
const UPPER: Measure = ("8480-6", "Systolic blood pressure", "mm[Hg]");
const LOWER: Measure = ("8462-4", "Diastolic blood pressure", "mm[Hg]");
const OXYGEN: Measure = ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%");
const GLUCOSE: Measure = ("2339-0", "Glucose [Mass/volume] in Blood", "mg/dL");
const PHQ_9: Measure = ("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score", "{score}");

impl Past {
    /// The message of an end where it has ended, of a beginning where it has not; times in minutes ago.
    fn stay(
        &mut self,
        of: Somebody,
        class: &str,
        (start, end): (i64, Option<i64>),
        disposition: &str,
        diagnosis: &str,
    ) {
        let place = if class == "E" { "ED^02^A^RIVERSIDE" } else { "4W^412^B^RIVERSIDE" };
        let number = format!("V{}-{}", of.0, self.messages.len());
        let service = if class == "E" { "EMR" } else { "MED" };
        let (began, ended) = (self.hospital.at(start), end.map(|end| self.hospital.at(end)).unwrap_or_default());
        let stay = Stay { class, place, service, number: &number, disposition, start: &began, end: &ended };
        let (event, time) = match (end, class) {
            (Some(_), _) => ("A03", &ended),
            (None, "I") => ("A01", &began),
            (None, _) => ("A04", &began),
        };
        let structure = if event == "A03" { "ADT_A03" } else { "ADT_A01" };
        let header = self.hospital.header(&format!("ADT^{event}^{structure}"), time, 100 + self.messages.len());
        let diagnosis = format!("DG1|1||{diagnosis}^I10|||F");
        let (evn, pid) = (format!("EVN|{event}|{time}"), of.segment());
        self.messages.push(message(&[&header, &evn, &pid, &stay.segment(), &diagnosis]));
    }

    /// One sitting of readings.
    fn measured(&mut self, of: Somebody, minutes_ago: i64, readings: &[(Measure, &str)]) {
        let time = self.hospital.at(minutes_ago);
        let header = self.hospital.header("ORU^R01^ORU_R01", &time, 100 + self.messages.len());
        let (run, place) = (self.hospital.now.as_second(), self.messages.len());
        let request =
            format!("OBR|1||F{run}-{place}^RIVERSIDE|85353-1^Vital signs^LN|||{time}|||||||||||||||{time}|||F");
        let mut segments = vec![header, of.segment(), request];
        for (number, ((code, name, unit), value)) in readings.iter().enumerate() {
            let number = number + 1;
            segments.push(format!("OBX|{number}|NM|{code}^{name}^LN||{value}|{unit}^{unit}^UCUM||||||F|||{time}"));
        }
        self.messages.push(message(&segments.iter().map(String::as_str).collect::<Vec<_>>()));
    }

    /// The same measure in so many mornings before today, the last of them today.
    fn mornings(&mut self, of: Somebody, measure: Measure, values: &[&str]) {
        for (place, value) in values.iter().enumerate() {
            let days = i64::try_from(values.len() - 1 - place).unwrap_or_default();
            self.measured(of, days * DAY + 2 * HOUR, &[(measure, value)]);
        }
    }
}

impl Somebody {
    fn segment(self) -> String {
        let Self(number, name, born, sex) = self;
        let phone = format!("555-014-{}", number - 3_710);
        format!(
            "PID|1||{number}^^^RIVERSIDE^MR||{name}||{born}|{sex}|||{number} Mill Lane^^Springfield^MA^01104^USA^H||{phone}^PRN^PH"
        )
    }
}

/// In the order in which the hospital sent them, person by person.
pub(super) fn messages(now: Timestamp) -> Vec<String> {
    let mut past = Past { hospital: Hospital { now }, messages: Vec::new() };
    let (failing, pneumonia) = ("I50.9^Heart failure, unspecified", "J18.9^Pneumonia, unspecified organism");

    let maria = Somebody(4712, "Delgado^Maria^L", "19490902", "F");
    past.stay(maria, "I", (6 * DAY, Some(26 * HOUR)), "01", failing);

    let george = Somebody(4713, "Whitfield^George", "19610330", "M");
    past.stay(george, "E", (70 * DAY, Some(70 * DAY - 4 * HOUR)), "01", "I10^Essential (primary) hypertension");
    for (days, upper, lower) in
        [(28, "138", "84"), (21, "142", "86"), (14, "151", "91"), (7, "149", "90"), (0, "168", "97")]
    {
        past.measured(george, days * DAY + 3 * HOUR, &[(UPPER, upper), (LOWER, lower)]);
    }

    let linh = Somebody(4714, "Nguyen^Linh", "19440117", "F");
    past.stay(linh, "I", (14 * HOUR, None), "", "I48.91^Unspecified atrial fibrillation");

    let terrence = Somebody(4715, "Brown^Terrence", "19780611", "M");
    for days in [300, 190, 95, 3] {
        past.stay(terrence, "E", (days * DAY, Some(days * DAY - 5 * HOUR)), "01", "R07.9^Chest pain, unspecified");
    }

    let irena = Somebody(4716, "Kowalski^Irena", "19550819", "F");
    past.stay(
        irena,
        "E",
        (30 * HOUR, Some(22 * HOUR)),
        "07",
        "J44.9^Chronic obstructive pulmonary disease, unspecified",
    );
    past.mornings(irena, OXYGEN, &["95", "94", "93", "93"]);

    let jean = Somebody(4717, "Baptiste^Jean", "19670222", "M");
    past.stay(jean, "E", (60 * DAY, Some(60 * DAY - 6 * HOUR)), "01", failing);
    past.mornings(jean, WEIGHT, &["190", "190.4", "189.8", "190.2", "190", "190.6", "190.2", "193"]);

    let anna = Somebody(4718, "Fischer^Anna", "19380505", "F");
    past.stay(anna, "I", (11 * DAY, Some(2 * DAY)), "03", "I63.9^Cerebral infarction, unspecified");

    let carmen = Somebody(4719, "Ruiz^Carmen", "19590714", "F");
    past.stay(
        carmen,
        "E",
        (45 * DAY, Some(45 * DAY - 3 * HOUR)),
        "01",
        "E11.9^Type 2 diabetes mellitus without complications",
    );
    past.mornings(carmen, GLUCOSE, &["128", "141", "119", "96", "61"]);

    let ada = Somebody(4720, "Okonkwo^Ada", "19520923", "F");
    past.stay(ada, "I", (25 * DAY, Some(20 * DAY)), "01", pneumonia);
    past.stay(ada, "I", (3 * DAY, None), "", pneumonia);

    let per = Somebody(4721, "Lindgren^Per", "19701101", "M");
    past.stay(per, "E", (20 * HOUR, Some(15 * HOUR)), "01", "S93.401A^Sprain of unspecified ligament of right ankle");

    let alice = Somebody(4722, "Moore^Alice", "19880416", "F");
    past.stay(
        alice,
        "E",
        (90 * DAY, Some(90 * DAY - 4 * HOUR)),
        "01",
        "F33.1^Major depressive disorder, recurrent, moderate",
    );
    past.measured(alice, 2 * DAY, &[(PHQ_9, "16")]);
    past.messages
}
