//! Each parameter's length, pattern and range, and the sentence that says what is wrong with it.
//! Source: the shapes of the IAM service model. All that is wrong with a call is said in one sentence.

use crate::answer::Refusal;
use crate::call::Call;

struct Field {
    least: usize,
    most: usize,
    pattern: &'static str,
    fits: fn(&str) -> bool,
}

fn any(_: &str) -> bool {
    true
}

fn word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

fn role_path(text: &str) -> bool {
    text == "/"
        || (text.len() > 1
            && text.starts_with('/')
            && text.ends_with('/')
            && text.bytes().all(|b| (0x21..=0x7e).contains(&b)))
}

fn policy_path(text: &str) -> bool {
    text.starts_with('/')
        && text.ends_with('/')
        && !text.contains("//")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.,+@=_-".contains(&b))
}

fn path_prefix(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

fn latin(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'))
}

fn document(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
}

fn version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| ('1'..='9').contains(&c)))
}

/// Letters, separators and numbers of any script, and `_.:/=+-@`.
pub fn tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

const WORD: &str = r"[\w+=,.@-]+";
const TAG: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+";

fn field(op: &str, name: &str) -> Option<Field> {
    let of = |least, most, pattern, fits| Some(Field { least, most, pattern, fits });
    let is_policy = op.ends_with("Policy") && !op.contains("Role") && !op.contains("AssumeRole");
    match name {
        "RoleName" => of(1, 64, WORD, word),
        "PolicyName" | "InstanceProfileName" => of(1, 128, WORD, word),
        "Path" if is_policy => of(1, 512, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/", policy_path),
        "Path" => of(1, 512, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", role_path),
        "PathPrefix" => of(1, 512, r"\u002F[\u0021-\u007E]*", path_prefix),
        "Description" if is_policy => of(0, 1000, "", any),
        "Description" => of(0, 1000, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*", latin),
        "PolicyArn" | "PermissionsBoundary" | "OpenIDConnectProviderArn" => of(20, 2048, "", any),
        "AssumeRolePolicyDocument" | "PolicyDocument" => {
            of(1, 131_072, r"[\u0009\u000A\u000D\u0020-\u00FF]+", document)
        }
        "Marker" => of(1, 320, r"[\u0020-\u00FF]+", any),
        "ClientID" => of(1, 255, "", any),
        "VersionId" => of(2, 32, r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?", version),
        _ if name.starts_with("Tags.member.") && name.ends_with(".Key") => of(1, 128, TAG, tag_text),
        _ if name.starts_with("Tags.member.") && name.ends_with(".Value") => {
            of(0, 256, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", tag_text)
        }
        _ if name.starts_with("TagKeys.member.") => of(1, 128, TAG, tag_text),
        _ => None,
    }
}

/// `Tags.member.2.Key` → `tags.2.member.key`, `RoleName` → `roleName`.
fn path_of(name: &str) -> String {
    let camel = |part: &str| {
        let mut part = part.to_owned();
        part[..1].make_ascii_lowercase();
        part
    };
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [list, "member", number, leaf] => format!("{}.{number}.member.{}", camel(list), camel(leaf)),
        [list, "member", number] => format!("{}.{number}.member", camel(list)),
        _ => camel(name),
    }
}

fn range(name: &str) -> Option<(i64, i64)> {
    match name {
        "MaxSessionDuration" => Some((3600, 43200)),
        "MaxItems" => Some((1, 1000)),
        _ => None,
    }
}

pub fn check(call: &Call) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    for (name, value) in &call.params {
        let mut say = |what: String| {
            wrong.push(format!(
                "Value '{value}' at '{}' failed to satisfy constraint: Member must {what}",
                path_of(name)
            ));
        };
        if let Some(field) = field(&call.op, name) {
            let length = value.chars().count();
            if length > field.most {
                say(format!("have length less than or equal to {}", field.most));
            } else if length < field.least {
                say(format!("have length greater than or equal to {}", field.least));
            } else if !(field.fits)(value) {
                if name == "Path" {
                    return Err(Refusal::validation(
                        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
                    ));
                }
                say(format!("satisfy regular expression pattern: {}", field.pattern));
            }
        }
        if let Some((least, most)) = range(name) {
            match value.parse::<i64>() {
                Ok(number) if number < least => say(format!("have value greater than or equal to {least}")),
                Ok(number) if number > most => say(format!("have value less than or equal to {most}")),
                Ok(_) => {}
                Err(_) => return Err(Refusal::new(400, "MalformedInput", "")),
            }
        }
    }
    match wrong.len() {
        0 => Ok(()),
        1 => Err(Refusal::validation(format!("1 validation error detected: {}", wrong[0]))),
        n => Err(Refusal::validation(format!("{n} validation errors detected: {}", wrong.join("; ")))),
    }
}
