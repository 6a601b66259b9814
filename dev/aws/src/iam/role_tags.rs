//! Tags of roles: their keys are the same without regard to case, and keep the case that they came in.
//! Source: IAM user guide, "Tagging IAM resources": keys on roles and users are case-insensitive, case-preserving.

use fakecloud_iam::Tag;

use super::{ok, page, read, render, role, role_mut, write};
use crate::answer::Outcome;
use crate::call::Call;
use crate::world::World;

pub fn tag(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    write(world, call, |state| {
        let role = role_mut(state, &name)?;
        for (key, value) in call.tags() {
            let lower = key.to_lowercase();
            match role.tags.iter_mut().find(|tag| tag.key.to_lowercase() == lower) {
                Some(tag) => *tag = Tag { key, value },
                None => role.tags.push(Tag { key, value }),
            }
        }
        Ok(ok(call, ""))
    })
}

pub fn untag(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    let keys: Vec<String> = call.list("TagKeys").iter().map(|key| key.to_lowercase()).collect();
    write(world, call, |state| {
        role_mut(state, &name)?.tags.retain(|tag| !keys.contains(&tag.key.to_lowercase()));
        Ok(ok(call, ""))
    })
}

pub fn list(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    read(world, call, |state| {
        let mut tags = role(state, &name)?.tags.clone();
        tags.sort_by(|a, b| a.key.cmp(&b.key));
        let (tags, tail) = page(call, tags, |tag| tag.key.as_str());
        Ok(ok(call, &format!("<Tags>{}</Tags>{tail}", render::tags(&tags))))
    })
}
