//! A cohort that measures at home, with truly sick days in it, and the practice that watches over it.

mod clinic;
mod outcome;
mod people;
mod random;
