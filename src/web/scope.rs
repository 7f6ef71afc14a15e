//! SMART scopes for systems (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html): `system/Task.rs`,
//! v1's `system/Task.read`, and `*` for the type. Scopes with a query are not granted: we could not keep to them.

use std::fmt;

/// What a scope lets its holder do: letters of `cruds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u8);

const LETTERS: [char; 5] = ['c', 'r', 'u', 'd', 's'];

impl Permissions {
    pub const CREATE: Self = Self(0b0_0001);
    pub const UPDATE: Self = Self(0b0_0100);
    pub const DELETE: Self = Self(0b0_1000);
    pub const READ: Self = Self(0b0_0010);
    pub const SEARCH: Self = Self(0b1_0000);
    pub const WRITE: Self = Self(0b0_1101);
    const ALL: Self = Self(0b1_1111);

    /// Letters of `cruds` in that order, at least one.
    fn parse(text: &str) -> Option<Self> {
        let mut bits = 0;
        let mut from = 0;
        for letter in text.chars() {
            let at = LETTERS.iter().position(|known| *known == letter).filter(|at| *at >= from)?;
            from = at + 1;
            bits |= 1 << at;
        }
        (bits != 0).then_some(Self(bits))
    }

    fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn covers(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in LETTERS.iter().enumerate() {
            if self.0 & (1 << at) != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

/// One scope. `*` as type means all types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    resource_type: String,
    permissions: Permissions,
    /// Written as version 1 writes it, since its holder will compare.
    version_one: bool,
}

impl Scope {
    pub fn parse(text: &str) -> Option<Self> {
        let (resource_type, action) = text.strip_prefix("system/")?.split_once('.')?;
        let named = !resource_type.is_empty() && resource_type.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !named && resource_type != "*" {
            return None;
        }
        let (permissions, version_one) = match action {
            "read" => (Permissions::READ.join(Permissions::SEARCH), true),
            "write" => (Permissions::WRITE, true),
            "*" => (Permissions::ALL, true),
            letters => (Permissions::parse(letters)?, false),
        };
        Some(Self { resource_type: resource_type.to_string(), permissions, version_one })
    }

    /// What both allow, written as the asked one is where version 1 can say it.
    fn meet(&self, registered: &Self) -> Option<Self> {
        let resource_type = match (self.resource_type.as_str(), registered.resource_type.as_str()) {
            ("*", other) | (other, "*") => other,
            (one, other) if one == other => one,
            _ => return None,
        };
        let permissions = self.permissions.meet(registered.permissions);
        let version_one = self.version_one && permissions == self.permissions;
        let resource_type = resource_type.to_string();
        (permissions.0 != 0).then_some(Self { resource_type, permissions, version_one })
    }
}

impl Permissions {
    pub fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "system/{}.", self.resource_type)?;
        match (self.version_one, self.permissions) {
            (true, Permissions::ALL) => f.write_str("*"),
            (true, Permissions::WRITE) => f.write_str("write"),
            (true, _) => f.write_str("read"),
            (false, permissions) => write!(f, "{permissions}"),
        }
    }
}

/// The scopes of one token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads a space-separated list; what is not a scope for systems is left out.
    pub fn parse(text: &str) -> Self {
        Self(text.split_ascii_whitespace().take(200).filter_map(Scope::parse).collect())
    }

    /// What is asked, as far as it is registered.
    pub fn grant(asked: &Self, registered: &Self) -> Self {
        let mut granted: Vec<Scope> = Vec::new();
        for scope in asked.0.iter().flat_map(|asked| registered.0.iter().filter_map(|known| asked.meet(known))) {
            if !granted.contains(&scope) {
                granted.push(scope);
            }
        }
        Self(granted)
    }

    /// Keeps of each scope what `may` says of its type; of one for all types, what it says of any.
    pub fn limit(&mut self, may: impl Fn(&str) -> Permissions) {
        for scope in &mut self.0 {
            scope.permissions = scope.permissions.meet(may(&scope.resource_type));
            scope.version_one &= Self::is_of_version_one(scope.permissions);
        }
        self.0.retain(|scope| scope.permissions != Permissions::default());
    }

    fn is_of_version_one(permissions: Permissions) -> bool {
        let words = [Permissions::READ.join(Permissions::SEARCH), Permissions::WRITE, Permissions::ALL];
        words.contains(&permissions)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they allow this on resources of this type.
    pub fn allow(&self, resource_type: &str, wanted: Permissions) -> bool {
        let about = |scope: &&Scope| scope.resource_type == "*" || scope.resource_type == resource_type;
        self.0.iter().filter(about).fold(Permissions::default(), |all, one| all.join(one.permissions)).covers(wanted)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Scope::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(asked: &str, registered: &str) -> String {
        Scopes::grant(&Scopes::parse(asked), &Scopes::parse(registered)).to_string()
    }

    #[test]
    fn what_is_granted_is_what_both_sides_name() {
        assert_eq!(grant("system/Task.rs", "system/*.rs"), "system/Task.rs");
        assert_eq!(grant("system/*.cruds", "system/Task.rs system/Flag.r"), "system/Task.rs system/Flag.r");
        assert_eq!(grant("system/Patient.rs", "system/Task.rs"), "");
        assert_eq!(grant("system/Task.read", "system/Task.rs"), "system/Task.read");
        assert_eq!(grant("system/Task.*", "system/Task.read"), "system/Task.rs");
        assert_eq!(grant("system/Task.rs system/Task.rs openid", "system/*.read"), "system/Task.rs");
    }

    #[test]
    fn what_is_no_scope_for_systems_is_left_out() {
        for text in ["patient/Task.rs", "system/Task.rs?code=1", "system/Task.sr", "system/.rs", "system/Task.", "x"] {
            assert!(Scopes::parse(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn letters_and_version_one_words_allow_alike() {
        for text in ["system/Task.rs", "system/*.read", "system/Task.r system/Task.s"] {
            assert!(Scopes::parse(text).allow("Task", Permissions::READ.join(Permissions::SEARCH)), "{text}");
        }
        assert!(!Scopes::parse("system/Task.s").allow("Task", Permissions::READ));
        assert!(!Scopes::parse("system/Task.rs").allow("Patient", Permissions::READ));
    }
}
