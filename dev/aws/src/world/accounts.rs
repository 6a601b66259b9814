//! An account: its partition, its clock, its administrator.

use fakecloud_iam::{IamState, IamUser};

use super::World;
use super::keys::{self, Key, Who};
use super::switches::{Quotas, Switches};

pub const ADMINISTRATOR: &str = "AdministratorAccess";

#[derive(Clone)]
pub struct Account {
    pub partition: String,
    pub clock_offset_ms: i64,
    pub switches: Switches,
    pub quotas: Quotas,
}

pub fn region_of(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// The account's administrator's key; makes the account where it is not there yet.
pub fn ensure(world: &World, id: &str, partition: &str) -> Key {
    let mut own = world.own.borrow_mut();
    if let Some(key) = own.keys.of_user(id, "admin") {
        return key.clone();
    }
    let account = Account {
        partition: partition.to_owned(),
        clock_offset_ms: 0,
        switches: if own.strict { Switches::strict() } else { Switches::default() },
        quotas: Quotas::default(),
    };
    own.accounts.insert(id.to_owned(), account);
    let now = own.now(id);
    let key = Key {
        id: keys::unique_id("AKIA"),
        secret: keys::secret(),
        token: None,
        account: id.to_owned(),
        arn: format!("arn:{partition}:iam::{id}:user/admin"),
        user_id: keys::unique_id("AIDA"),
        who: Who::User { name: "admin".to_owned() },
        issued: now,
        expires: None,
    };
    own.keys.add(key.clone());
    let mut accounts = world.iam.write();
    let state = accounts.get_or_create(id);
    *state = IamState::new_in_region(id, region_of(partition));
    state.users.insert(
        "admin".to_owned(),
        IamUser {
            user_name: "admin".to_owned(),
            user_id: key.user_id.clone(),
            arn: key.arn.clone(),
            path: "/".to_owned(),
            created_at: now,
            tags: Vec::new(),
            permissions_boundary: None,
        },
    );
    state.user_policies.insert("admin".to_owned(), vec![format!("arn:aws:iam::aws:policy/{ADMINISTRATOR}")]);
    key
}

/// Everything of an account goes.
pub fn forget(world: &World, id: &str) -> bool {
    let mut own = world.own.borrow_mut();
    own.keys.forget_account(id);
    own.journal.forget(Some(id));
    own.faults.forget(Some(id));
    own.issuers.forget(id);
    own.buckets.forget(id);
    own.lags.forget(id);
    own.clusters.retain(|(account, _, _), _| account != id);
    world.iam.write().reset_account(id);
    own.accounts.remove(id).is_some()
}
