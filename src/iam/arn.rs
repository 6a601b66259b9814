//! ARNs: made for roles, providers and policies, and read back.

use super::json_path::excerpt;
use super::name::{ROLE_NAME_MAX, is_iam_name};
use super::vars::{UnknownVariable, Vars};
use std::fmt;

/// The longest name of a managed or inline policy (IAM API reference, `PolicyName`).
pub const POLICY_NAME_MAX: usize = 128;
/// The longest path (IAM API reference, `Path`).
pub const PATH_MAX: usize = 512;
/// The shortest and the longest ARN that a parameter may be (IAM API reference, `arnType`).
const ARN_LENGTH: std::ops::RangeInclusive<usize> = 20..=2048;

/// The ARN of a role. `path` begins and ends with `/`.
#[must_use]
pub fn role_arn(partition: &str, account: &str, path: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:role{path}{name}")
}

/// The ARN of the OIDC provider of an issuer, given without its `https://`. It follows from the issuer alone: an
/// account has at most one provider for each.
#[must_use]
pub fn provider_arn(partition: &str, account: &str, issuer: &str) -> String {
    format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}")
}

/// Why a text names no policy that could be attached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// The text names an unknown variable.
    #[error(transparent)]
    Unknown(#[from] UnknownVariable),
    /// The text, expanded, is no ARN of a policy that roles of this account can have.
    #[error("{policy:?} {problem}")]
    NotAPolicy {
        /// What the text says once it is expanded, cut where it is long.
        policy: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
}

/// The ARN of a managed policy (or boundary) from what a spec says: `aws:PATH/NAME` for AWS's own, `account:PATH/NAME`
/// for the account's, or a whole ARN; each with variables. `PATH/` may be absent.
///
/// # Errors
/// Where a variable is unknown, the text has none of the three forms, its path or name breaks IAM's rules, or the ARN
/// is of another partition or account: IAM attaches only AWS's own policies and those of the role's account.
pub fn policy_arn(text: &str, vars: &Vars) -> Result<String, ArnError> {
    let text = vars.expand(text)?;
    let wrong = |problem: String| ArnError::NotAPolicy { policy: excerpt(&text), problem };
    let (partition, account) = (vars.partition.as_str(), vars.account.as_str());
    let arn = if let Some(rest) = text.strip_prefix("aws:") {
        format!("arn:{partition}:iam::aws:policy/{rest}")
    } else if let Some(rest) = text.strip_prefix("account:") {
        format!("arn:{partition}:iam::{account}:policy/{rest}")
    } else if text.starts_with("arn:") {
        text.clone()
    } else {
        return Err(wrong("must be aws:PATH/NAME, account:PATH/NAME or the whole ARN of a managed policy".to_owned()));
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, its_partition, "iam", "", its_account, resource] = parts[..] else {
        return Err(wrong(format!("is no ARN of IAM; write arn:{partition}:iam::{account}:policy/PATH/NAME")));
    };
    let Some(path_and_name) = resource.strip_prefix("policy/") else {
        return Err(wrong("is no managed policy: after the account must come policy/PATH/NAME".to_owned()));
    };
    if its_partition != partition {
        return Err(wrong(format!("is of partition {its_partition:?}, the role of {partition:?}; write $(partition)")));
    }
    if its_account != "aws" && its_account != account {
        return Err(wrong(format!(
            "is of account {its_account:?}; a role of account {account} can only have policies of its own account \
             (write $(account)) and those of AWS"
        )));
    }
    let (path, name) = match path_and_name.rsplit_once('/') {
        Some((path, name)) => (Some(path), name),
        None => (None, path_and_name),
    };
    if !is_iam_name(name, POLICY_NAME_MAX) {
        return Err(wrong(format!(
            "does not end in a policy's name: 1 to {POLICY_NAME_MAX} letters, digits and _+=,.@-"
        )));
    }
    // IAM API reference, policyPathType: ((/[A-Za-z0-9\.,\+@=_-]+)*)/
    let valid = |path: &str| path.len() + 2 <= PATH_MAX && path.split('/').all(|part| is_iam_name(part, PATH_MAX));
    if !path.is_none_or(valid) {
        return Err(wrong(format!("has no valid path: up to {PATH_MAX} letters, digits, _+=,.@- and single slashes")));
    }
    if !ARN_LENGTH.contains(&arn.len()) {
        return Err(wrong(format!("must have {} to {} characters", ARN_LENGTH.start(), ARN_LENGTH.end())));
    }
    Ok(arn)
}

/// The ARN of a principal that a trust policy may name: a role, a user or a whole account, from what a spec says.
///
/// # Errors
/// Why not, in words that go on from the text: an unknown variable, another partition, or no such ARN.
pub fn principal_arn(text: &str, vars: &Vars) -> Result<String, String> {
    let arn = vars.expand(text).map_err(|e| e.to_string())?;
    let form = || format!("{:?} is no ARN of a role, a user or an account; write one, without *", excerpt(&arn));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else { return Err(form()) };
    let named = ["role/", "user/"].iter().find_map(|kind| resource.strip_prefix(kind));
    let names = |path: &str| path.split('/').all(|part| is_iam_name(part, PATH_MAX));
    let valid =
        is_account(account) && (resource == "root" || named.is_some_and(names)) && ARN_LENGTH.contains(&arn.len());
    if !valid {
        return Err(form());
    }
    if partition != vars.partition {
        return Err(format!("{:?} is of another partition than the role; write $(partition)", excerpt(&arn)));
    }
    Ok(arn)
}

/// The ARN of a role, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleArn {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// Up to 64 characters.
    pub name: String,
}

impl RoleArn {
    /// Takes an ARN apart. `None` for everything that is not the ARN of a role: a unique id (`AROA…`), which IAM
    /// sometimes gives for a role that was made a moment ago, is none either.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else { return None };
        let path_and_name = resource.strip_prefix("role").filter(|rest| rest.starts_with('/'))?;
        let (path, name) = path_and_name.split_at(path_and_name.rfind('/')? + 1);
        let valid = is_partition(partition)
            && is_account(account)
            && path.len() <= PATH_MAX
            && path.bytes().all(|b| b.is_ascii_graphic())
            && is_iam_name(name, ROLE_NAME_MAX);
        valid.then(|| Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            path: path.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&role_arn(&self.partition, &self.account, &self.path, &self.name))
    }
}

/// Where a caller of AWS is at home, from what `sts:GetCallerIdentity` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
}

impl Caller {
    /// Reads the ARN of an assumed role, a federated user (both of `sts`), a user or the root user (both of `iam`).
    /// `None` for anything else.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "sts" | "iam", "", account, resource] = parts[..] else { return None };
        let valid = is_partition(partition) && is_account(account) && !resource.is_empty();
        valid.then(|| Self { partition: partition.to_owned(), account: account.to_owned() })
    }
}

/// The name of the role in what `sts:GetCallerIdentity` answers, `None` where the caller has none.
#[must_use]
pub fn role_of_caller(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    resource.strip_prefix("assumed-role/")?.split('/').next()
}

/// Whether `text` is an account's number.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `text` may be a partition. New ones appear (`aws-eusc`), so there is no list; all begin with `aws`.
fn is_partition(text: &str) -> bool {
    text.starts_with("aws") && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests;
