//! Authorisation, as a table: each case with what AWS's documents say (in brackets: the page of the IAM user guide
//! or the Service Authorization Reference), the policies of the caller, its call, and the layer that refuses.

mod actions;
mod can;
mod caps;
mod policies;
mod tags;

use serde_json::{Value, json};

use super::client::{Account, Answer, EC2, Keys, account, admin, trusts};

pub const IDENTITY: &str = "because no identity-based policy allows the";
pub const DENY: &str = "with an explicit deny in an identity-based policy";

/// What the caller stands under.
#[derive(Default)]
pub struct Under {
    pub policy: Value,
    pub boundary: Option<Value>,
    pub session: Option<Value>,
}

pub struct World {
    pub account: Account,
    pub arn: String,
    count: std::cell::Cell<usize>,
}

pub fn document(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

impl World {
    pub fn new() -> Self {
        let account = account();
        let aws = &account.admin;
        let own = |kind: &str| format!("arn:aws:iam::{}:{kind}", account.id);
        let any = document(&json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        for (path, name) in [("/", "irsa-boundary"), ("/", "lax"), ("/team/", "queues")] {
            aws.iam("CreatePolicy", &[("Path", path), ("PolicyName", name), ("PolicyDocument", &any)]).ok();
        }
        let boundary = own("policy/irsa-boundary");
        let tag = |value| [("Tags.member.1.Key", "irsa-operator.io/cluster"), ("Tags.member.1.Value", value)];
        let base = |name, path| [("RoleName", name), ("Path", path), ("AssumeRolePolicyDocument", EC2)];
        let mine = [&base("mine", "/irsa/")[..], &tag("blue"), &[("PermissionsBoundary", &boundary)]].concat();
        aws.iam("CreateRole", &mine).ok();
        aws.iam("CreateRole", &[&base("foreign", "/irsa/")[..], &tag("green")].concat()).ok();
        aws.iam("CreateRole", &base("else", "/other/")).ok();
        let trust = trusts(&own("root"));
        let op = [("RoleName", "op"), ("Path", "/ops/"), ("AssumeRolePolicyDocument", trust.as_str())];
        let arn = aws
            .iam("CreateRole", &[&op[..], &[("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "x")]].concat())
            .tag("Arn");
        aws.iam("CreateRole", &[("RoleName", "by-root"), ("AssumeRolePolicyDocument", &trust)]).ok();
        aws.iam("CreateRole", &[("RoleName", "by-name"), ("AssumeRolePolicyDocument", &trusts(&arn))]).ok();
        for host in ["a.example/id/1", "b.example/id/2"] {
            let url = format!("https://{host}");
            let made = [("Url", url.as_str()), ("Tags.member.1.Key", "kind"), ("Tags.member.1.Value", "eks")];
            aws.iam("CreateOpenIDConnectProvider", &made).ok();
        }
        aws.iam("CreateInstanceProfile", &[("InstanceProfileName", "i")]).ok();
        for name in ["blue", "green"] {
            let cluster =
                json!({"account": account.id, "region": "us-east-1", "name": name, "issuer": "https://a.example/id/1"});
            admin("POST", "clusters", cluster);
        }
        admin("POST", &format!("accounts/{}/switches", account.id), json!({"authorise": true}));
        Self { account, arn, count: std::cell::Cell::new(0) }
    }

    pub fn own(&self, kind: &str) -> String {
        format!("arn:aws:iam::{}:{kind}", self.account.id)
    }

    pub fn fresh(&self) -> String {
        self.count.set(self.count.get() + 1);
        format!("new-{}", self.count.get())
    }

    pub fn session(&self, under: &Under) -> Keys {
        let aws = &self.account.admin;
        let op = ("RoleName", "op");
        if under.policy.is_null() {
            aws.iam("DeleteRolePolicy", &[op, ("PolicyName", "p")]);
        } else {
            aws.iam("PutRolePolicy", &[op, ("PolicyName", "p"), ("PolicyDocument", &document(&under.policy))]).ok();
        }
        aws.iam("DeleteRolePermissionsBoundary", &[op]).ok();
        if let Some(boundary) = &under.boundary {
            let made = [("PolicyName", &*self.fresh()), ("PolicyDocument", &document(boundary))]
                .map(|(a, b)| (a, b.to_owned()));
            let params: Vec<(&str, &str)> = made.iter().map(|(a, b)| (*a, b.as_str())).collect();
            let arn = aws.iam("CreatePolicy", &params).ok().tag("Arn");
            aws.iam("PutRolePermissionsBoundary", &[op, ("PermissionsBoundary", &arn)]).ok();
        }
        let mut params = vec![("RoleArn", self.arn.clone()), ("RoleSessionName", "case".to_owned())];
        params.extend(under.session.as_ref().map(|session| ("Policy", document(session))));
        let params: Vec<(&str, &str)> = params.iter().map(|(a, b)| (*a, b.as_str())).collect();
        Keys::of(&aws.sts("AssumeRole", &params).ok())
    }

    /// The sentence of the denial, or nothing.
    pub fn denial(answer: &Answer) -> String {
        if answer.status != 403 {
            return String::new();
        }
        if answer.body.starts_with('{') {
            assert_eq!(answer.json()["__type"], "AccessDeniedException");
            return answer.json()["message"].as_str().unwrap_or("").to_owned();
        }
        assert_eq!(answer.code(), "AccessDenied", "{answer:?}");
        answer.message()
    }

    /// One case: `expected` is empty for what must be allowed, else a part of the sentence.
    #[track_caller]
    pub fn case(&self, rests_on: &str, under: Under, op: &str, params: &[(&str, &str)], expected: &str) {
        let keys = self.session(&under);
        let answer = match op {
            "AssumeRole" => keys.sts(op, params),
            "DescribeCluster" => keys.eks("us-east-1", &format!("/clusters/{}", params[0].1)),
            _ => keys.iam(op, params),
        };
        let denial = Self::denial(&answer);
        let fits = if expected.is_empty() { denial.is_empty() } else { denial.contains(expected) };
        assert!(
            fits,
            "{rests_on}\n{}\n{op} {params:?}\nexpected {expected:?}, was {denial:?} {answer:?}",
            under.policy
        );
    }
}

pub fn policy(policy: Value) -> Under {
    Under { policy, ..Under::default() }
}

pub fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

pub fn when(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

pub const MINE: [(&str, &str); 1] = [("RoleName", "mine")];
pub const FOREIGN: [(&str, &str); 1] = [("RoleName", "foreign")];
pub const ELSE: [(&str, &str); 1] = [("RoleName", "else")];
