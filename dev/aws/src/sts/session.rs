//! A session of a role: which role, how long, its keys, and how STS says so.
//! Source: AssumeRole and AssumeRoleWithWebIdentity of the service model; sentences from reports.

use chrono::Duration;
use fakecloud_iam::IamRole;

use crate::answer::{Refusal, escape};
use crate::call::Call;
use crate::iam::render;
use crate::world::World;
use crate::world::keys::{self, Key, Who};

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`
pub struct RoleArn {
    pub arn: String,
    pub account: String,
    pub name: String,
}

pub fn role_arn(call: &Call) -> Result<RoleArn, Refusal> {
    let arn = call.need("RoleArn")?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let invalid = || Refusal::validation("Request ARN is invalid");
    let [_, _, "iam", "", account, resource] = parts.as_slice() else {
        return Err(invalid());
    };
    let name = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    let (Some(name), 12) = (name, account.len()) else {
        return Err(invalid());
    };
    Ok(RoleArn { account: (*account).to_owned(), name: name.to_owned(), arn })
}

pub fn session_name(call: &Call) -> Result<String, Refusal> {
    let name = call.need("RoleSessionName")?;
    let fits =
        (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if fits {
        return Ok(name);
    }
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}

/// As asked, within what the service allows; the role's own limit comes later, with the role.
pub fn duration(call: &Call) -> Result<Option<i64>, Refusal> {
    let Some(text) = call.get("DurationSeconds") else {
        return Ok(None);
    };
    match text.parse::<i64>() {
        Ok(seconds) if seconds < 900 => Err(Refusal::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
        ))),
        Ok(seconds) if seconds > 43200 => Err(Refusal::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"
        ))),
        Ok(seconds) => Ok(Some(seconds)),
        Err(_) => Err(Refusal::validation("DurationSeconds is no number")),
    }
}

pub fn within_the_role(role: &IamRole, asked: Option<i64>) -> Result<i64, Refusal> {
    let seconds = asked.unwrap_or(3600);
    if seconds > i64::from(role.max_session_duration) {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

/// Session policies, inline and by ARN (those documents are read now, as STS does).
fn policies(world: &World, call: &Call, account: &str) -> Vec<String> {
    let mut out: Vec<String> = call.get("Policy").map(str::to_owned).into_iter().collect();
    let accounts = world.iam.read();
    for i in 1.. {
        let Some(arn) = call.get(&format!("PolicyArns.member.{i}.arn")) else { break };
        let own = accounts
            .get(account)
            .and_then(|state| state.policies.get(arn))
            .and_then(|policy| policy.versions.iter().find(|version| version.is_default))
            .map(|version| version.document.clone());
        let of_aws = || fakecloud_iam::managed_policies::default_document(arn).map(str::to_owned);
        // A policy that is not there allows nothing.
        out.push(own.or_else(of_aws).unwrap_or_else(|| "{}".to_owned()));
    }
    out
}

/// Makes the session's keys and renders `<Credentials>` and `<AssumedRoleUser>`.
pub fn open(world: &World, call: &Call, account: &str, role: &IamRole, session: &str, seconds: i64) -> String {
    let partition = role.arn.split(':').nth(1).unwrap_or("aws");
    let policies = policies(world, call, account);
    let mut own = world.own.borrow_mut();
    let now = own.now(account);
    let ends = now + Duration::seconds(seconds);
    let key = Key {
        id: keys::unique_id("ASIA"),
        secret: keys::secret(),
        token: Some(keys::session_token()),
        account: account.to_owned(),
        arn: format!("arn:{partition}:sts::{account}:assumed-role/{}/{session}", role.role_name),
        user_id: format!("{}:{session}", role.role_id),
        who: Who::Session {
            role: role.role_name.clone(),
            role_id: role.role_id.clone(),
            role_arn: role.arn.clone(),
            policies,
        },
        issued: now,
        expires: Some(ends),
    };
    let text = format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
        key.id,
        key.secret,
        key.token.as_deref().unwrap_or(""),
        render::time(ends),
        escape(&key.user_id),
        escape(&key.arn),
    );
    own.keys.add(key);
    text
}
