//! The people of a site who log in to the console: who they are, what they do, and whose patients are theirs.

use std::collections::BTreeSet;

use super::one_time_code::CodeSecret;
use super::password::PasswordHash;

/// What somebody does at the site; each page says for whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StaffRole {
    FrontDesk,
    CareManager,
    Coach,
    Clinician,
    Engineer,
    PrivacyOfficer,
    Operator,
}

impl StaffRole {
    pub const ALL: [Self; 7] = [
        Self::FrontDesk,
        Self::CareManager,
        Self::Coach,
        Self::Clinician,
        Self::Engineer,
        Self::PrivacyOfficer,
        Self::Operator,
    ];

    /// As `people.yaml` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::FrontDesk => "front-desk",
            Self::CareManager => "care-manager",
            Self::Coach => "coach",
            Self::Clinician => "clinician",
            Self::Engineer => "engineer",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Operator => "operator",
        }
    }

    /// As pages say it.
    pub fn title(self) -> &'static str {
        match self {
            Self::FrontDesk => "Front desk",
            Self::CareManager => "Care manager",
            Self::Coach => "Coach",
            Self::Clinician => "Clinician",
            Self::Engineer => "Engineer",
            Self::PrivacyOfficer => "Privacy officer",
            Self::Operator => "Operator",
        }
    }

    /// Whether what they do shows them patients at all.
    pub fn sees_patients(self) -> bool {
        self != Self::Operator
    }

    /// Those who care for patients, and so for those of some panels.
    pub fn cares(self) -> bool {
        matches!(self, Self::FrontDesk | Self::CareManager | Self::Coach | Self::Clinician)
    }
}

/// Whose patients somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Panels {
    All,
    Of(BTreeSet<String>),
}

impl Panels {
    pub fn holds(&self, panel: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(panel),
        }
    }
}

/// One person of `people.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// What they log in as; also how the audit names them.
    pub login: String,
    /// In full, with credentials: `Nia Brooks RN`.
    pub name: String,
    pub roles: Vec<StaffRole>,
    pub panels: Panels,
    /// Whether they are shown what is labelled as restricted.
    pub sensitive: bool,
    /// What the organisation's login says of them (`openid.yaml`).
    pub openid: Option<String>,
    /// None where they come by the organisation's login alone.
    pub password: Option<PasswordHash>,
    pub code: Option<CodeSecret>,
    /// May not log in; kept for the names that they signed with.
    pub disabled: bool,
}
