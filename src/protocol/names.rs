//! The URLs by which what protocols make is known to others. Stable: partners' systems and agreements refer to them.

/// The base of everything Handover itself defines.
pub const CANONICAL: &str = "https://handover.health";
/// Task.code: one per task rule, `measurement-alert` for all alerts.
pub const TASK_CODE: &str = "https://handover.health/CodeSystem/task-code";
/// Flag.code: one per prompt.
pub const PROMPT_CODE: &str = "https://handover.health/CodeSystem/prompt";
/// EpisodeOfCare.type: the programmes of the shipped protocols, and levels of care (`level-high`).
pub const PROGRAMME: &str = "https://handover.health/CodeSystem/programme";
/// Task.performerType: practice, care-manager, coach, clinician.
pub const ROLE: &str = "https://handover.health/CodeSystem/role";
/// Task.output.type of an attempt to reach the patient: how it went.
pub const CONTACT: &str = "https://handover.health/CodeSystem/contact-attempt";
/// Task.input.type of what work holds together: goal, question, reading, event.
pub const GATHERED: &str = "https://handover.health/CodeSystem/gathered";
/// Extension of an EpisodeOfCare: why its status is as it is, in words.
pub const STATUS_REASON: &str = "https://handover.health/StructureDefinition/episode-status-reason";
/// Condition.code of what stands in somebody's way, by kind: transport, cost, language, fear and more.
pub const BARRIER: &str = "https://handover.health/CodeSystem/barrier";
/// Identifiers of people of the site: their logins. Task.owner of what somebody has taken.
pub const PERSON: &str = "https://handover.health/id/person";
/// Tags of what people of the site say to each other: whom it is for, and whether they opened it.
pub const TALK: &str = "https://handover.health/CodeSystem/talk";
/// Card sources and override reasons: the answers to prompts.
pub const ANSWER: &str = "https://handover.health/CodeSystem/answer";
/// Identifiers of what protocols make, by which partners find it again.
pub const TASK_IDENTIFIER: &str = "https://handover.health/id/task";
pub const FLAG_IDENTIFIER: &str = "https://handover.health/id/flag";
pub const PLAN_IDENTIFIER: &str = "https://handover.health/id/care-plan";
/// The code of every alert's Task; a second coding names the rule.
pub const ALERT: &str = "measurement-alert";
/// The rule of every protocol whose work is to repeat readings that cannot be right.
pub const REPEAT: &str = "repeat";
/// The profile that alerts claim.
pub const ALERT_PROFILE: &str = "https://handover.health/StructureDefinition/handover-alert";

/// The ActivityDefinition of a rule.
pub fn activity_definition(protocol: &str, rule: &str) -> String {
    format!("{CANONICAL}/ActivityDefinition/{protocol}-{rule}")
}

/// The PlanDefinition of a protocol.
pub fn plan_definition(protocol: &str) -> String {
    format!("{CANONICAL}/PlanDefinition/{protocol}")
}
