//! What a class allows, decided on data: the same answer whatever admission let pass.

pub mod contain;
pub mod sensitive;
