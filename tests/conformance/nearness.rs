//! Whether an error stands where a defect was seeded: at the same element, its parent or its child.

/// Steps between two FHIRPath locations, by way of what they have in common. A position in a list is no step of its own.
fn distance(one: &str, other: &str) -> usize {
    let steps = |path: &str| path.split('.').map(str::to_string).collect::<Vec<_>>();
    let (one, other) = (steps(one), steps(other));
    let same = one.iter().zip(&other).take_while(|(one, other)| meet(one, other)).count();
    (one.len() - same) + (other.len() - same)
}

/// `category` and `category[1]` are the same step, `category[0]` and `category[1]` are not.
fn meet(one: &str, other: &str) -> bool {
    one == other || one.split('[').next() == other.split('[').next() && !(one.contains('[') && other.contains('['))
}

pub fn is_near(found: &str, seeded: &str) -> bool {
    distance(found, seeded) <= 1
}

#[test]
fn near_is_the_element_its_parent_or_its_child() {
    assert!(is_near("Patient.name[0].use", "Patient.name[0].use"));
    assert!(is_near("Patient.name", "Patient.name[0].use"));
    assert!(is_near("Patient.name[0].use", "Patient.name"));
    assert!(!is_near("Patient", "Patient.name[0].use"));
    assert!(!is_near("Patient.name[0].use", "Patient.name[1].use"));
    assert!(!is_near("Patient.gender", "Patient.birthDate"));
}
