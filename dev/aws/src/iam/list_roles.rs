//! ListRoles, by walking on from the marker: a page of 1,000 of 10,000 roles costs the page, not the account.
//! Source: ListRoles of the service model (PathPrefix; tags, boundary and last use are left out by documentation).

use std::ops::Bound;

use super::{ok, page_size, read, render};
use crate::answer::{Outcome, escape};
use crate::call::Call;
use crate::world::World;

pub fn list(world: &World, call: &Call) -> Outcome {
    let prefix = call.get("PathPrefix").unwrap_or("/");
    let max = page_size(world, call);
    let from = match call.get("Marker") {
        Some(marker) => Bound::Excluded(marker.to_owned()),
        None => Bound::Unbounded,
    };
    read(world, call, |state| {
        let mut roles = state
            .roles
            .range((from, Bound::Unbounded))
            .map(|(_, role)| role)
            .filter(|role| role.path.starts_with(prefix))
            .peekable();
        let mut members = String::new();
        let mut last = "";
        for role in roles.by_ref().take(max) {
            members.push_str(&render::listed(role));
            last = &role.role_name;
        }
        let tail = if roles.peek().is_some() {
            format!("<IsTruncated>true</IsTruncated><Marker>{}</Marker>", escape(last))
        } else {
            "<IsTruncated>false</IsTruncated>".to_owned()
        };
        Ok(ok(call, &format!("<Roles>{members}</Roles>{tail}")))
    })
}
