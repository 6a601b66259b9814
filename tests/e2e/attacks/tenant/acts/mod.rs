//! Attacks that are more than one spec.

mod names;
mod others;
mod outlive;
mod swap;
mod told;

use super::{Act, specs};

macro_rules! acts {
    ($($name:literal => $act:path),* $(,)?) => { &[$(Act { name: $name, run: |tenant| Box::pin($act(tenant)) }),*] };
}

pub const ALL: &[Act] = acts! {
    "what belongs to others, by the API" => specs::rbac,
    "outlive deletion by Retain" => outlive::retain,
    "outlive deletion by Observe" => outlive::observe,
    "outlive deletion by Annotate" => outlive::annotate,
    "outlive deletion by a class that is not there" => outlive::no_class,
    "outlive deletion by a class that retains" => outlive::class_that_retains,
    "outlive deletion by a status that tells nothing" => outlive::blank_status,
    "outlive deletion without the finalizer" => outlive::finalizer,
    "Observe before Revoke" => outlive::observe_before_revoke,
    "a class that is not there before Revoke" => outlive::no_class_before_revoke,
    "the class of others before Revoke" => outlive::others_class_before_revoke,
    "a spec that can't be before Revoke" => outlive::invalid_before_revoke,
    "another binding's ServiceAccount before Revoke" => outlive::rival_before_revoke,
    "Observe by another class before Revoke" => outlive::observe_elsewhere_before_revoke,
    "swap classes for a looser boundary" => swap::boundary,
    "swap classes for the tags of others" => swap::tags,
    "swap classes in mid-apply" => swap::mid_apply,
    "retain by one class and come back by another" => swap::come_back,
    "a class that is tightened in mid-apply" => swap::tightened_mid_apply,
    "two updates between check and use" => swap::race,
    "a foreign role by case" => names::case,
    "a foreign role at another path" => names::path,
    "a look-alike of another cluster" => names::look_alike,
    "a role that is tagged as the neighbour's" => names::of_others,
    "another binding's role by its name" => names::taken_name,
    "names that are cut alike" => names::cut,
    "a strong role that is offered" => names::strong,
    "two bindings of two classes on one ServiceAccount" => names::rival,
    "status that names the neighbour's role" => told::status,
    "annotation that names the neighbour's role" => told::annotation,
    "annotation in the operator's name" => told::spoofed_manager,
    "tokens for other audiences" => told::audiences,
    "more bindings than the class allows" => others::count,
    "the class from another namespace" => others::from_next_door,
    "a label of its own namespace" => others::label,
    "the neighbour's deletion is in the way" => others::deletion,
    "the queue full of nonsense" => others::queue,
};
