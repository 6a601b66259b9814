//! JSON text, kept small: compressed with the words that specs and statuses have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// Text that is read seldom. Equal text is packed equally, so it is compared as it is. What is packed never leaves the
/// process, so that the words may differ from version to version.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs `text`.
    #[must_use]
    pub fn pack(text: &str) -> Self {
        let packed = lz4_flex::block::compress_prepend_size_with_dict(text.as_bytes(), WORDS.as_bytes());
        // A copy of the right size: what was made has room for the worst case.
        Self(Box::from(packed.as_slice()))
    }

    /// The text that was packed.
    #[must_use]
    pub fn unpack(&self) -> String {
        // Nothing but `pack` makes one, so there is always such a text.
        let text = lz4_flex::block::decompress_size_prepended_with_dict(&self.0, WORDS.as_bytes()).unwrap_or_default();
        String::from_utf8(text).unwrap_or_default()
    }

    /// Packs a value. What can't be written as JSON reads as nothing.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self::pack(&serde_json::to_string(value).unwrap_or_default())
    }

    /// The value that was packed.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.unpack()).ok()
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unpack())
    }
}

/// What specs, statuses and roles hold again and again, as the API server writes it: keys in order, no white space.
/// A text that holds nothing of it is packed all the same.
const WORDS: &str = concat!(
    r#","StringLike":{"s3:prefix":[],"Condition":{"StringEquals":{"aws:ResourceTag/"#,
    r#""Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket","sqs:SendMessage","sqs:ReceiveMessage","#,
    r#""sqs:DeleteMessage","sns:Publish","kms:Decrypt","kms:GenerateDataKey","dynamodb:GetItem","dynamodb:PutItem","#,
    r#""dynamodb:Query","secretsmanager:GetSecretValue","ssm:GetParameter","logs:PutLogEvents","arn:aws:sqs:eu-central-1:"#,
    r#"arn:aws:dynamodb:us-east-1:"arn:$(partition):iam::$(account):policy/"#,
    r#"{"className":"default","deletionPolicy":"Retain","mode":"Manage","policies":{"inline":[{"document":{"Statement":[{"Action":["#,
    r#""Effect":"Allow","Resource":["arn:$(partition):s3:::","arn:aws:s3:::/*"],"Sid":""}],"Version":"2012-10-17"},"#,
    r#""name":""}],"managed":["account:","aws:ReadOnlyAccess"]},"role":{"description":"","maxSessionDurationSeconds":3600,"#,
    r#""tags":{"team":""}},"serviceAccount":{"create":false,"name":""}}"#,
    r#"{"accountId":"","className":"default","conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"#,
    r#""ServiceAccount / may assume arn:aws:iam::","observedGeneration":1,"reason":"Ready","status":"True","type":"Ready"},"#,
    r#"{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"arn:aws:iam:: is as declared","observedGeneration":1,"#,
    r#""reason":"Ready","status":"True","type":"RoleReady"},{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"#,
    r#""exactly the listed policies are on the role","observedGeneration":1,"reason":"Ready","status":"True","type":"#,
    r#""PoliciesReady"},{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"ServiceAccount / names the role","#,
    r#""observedGeneration":1,"reason":"Ready","status":"True","type":"ServiceAccountReady"}],"mode":"Manage","observedGeneration":1,"#,
    r#""oidcProviderArn":"arn:aws:iam:::oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/","roleArn":"#,
    r#""arn:aws:iam:::role/","roleId":"AROA"}"#,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::document::Document;
    use crate::iam::role::Role;
    use crate::status::{Outcome, RoleInfo, status};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            (0..WORDS.len(), 0..80usize).prop_map(|(at, len)| WORDS
                .chars()
                .skip(at)
                .take(len)
                .collect::<String>()
                .into()),
        ];
        leaf.prop_recursive(6, 200, 12, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::vec((".{0,12}", inner), 0..12).prop_map(|all| Value::from(Map::from_iter(all))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_unpacked_is_what_was_packed(value in json(), other in json()) {
            let (text, other) = (value.to_string(), other.to_string());
            let packed = Packed::pack(&text);
            prop_assert_eq!(packed.unpack(), text.as_str());
            prop_assert!(packed.size() <= text.len() + text.len() / 100 + 24);
            prop_assert_eq!(packed == Packed::pack(&other), text == other);
            prop_assert_eq!(packed, Packed::pack(&text));
        }

        #[test]
        fn text_of_any_kind_and_length_is_packed(text in ".*", times in 0usize..400) {
            let text = text.repeat(times);
            prop_assert_eq!(Packed::pack(&text).unpack(), text);
        }
    }

    #[test]
    fn a_role_comes_back_as_it_was_and_takes_a_fraction() {
        let statement = |n: u32| {
            let resource = format!("arn:aws:s3:::orders-{n:08x}/*");
            serde_json::json!({"Sid": format!("Part{n}"), "Effect": "Allow", "Action": ["s3:GetObject", "sqs:SendMessage"],
                "Resource": [resource], "Condition": {"StringEquals": {"aws:ResourceTag/team": "orders"}}})
        };
        let statements: Vec<Value> = (0..8u32).map(|n| statement(n.wrapping_mul(0x9e37_79b9))).collect();
        let document = |statement: &Value| {
            Document::lenient(&serde_json::json!({"Version": "2012-10-17", "Statement": statement}))
        };
        let role = Role {
            arn: "arn:aws:iam::111122223333:role/irsa/prod_orders_invoices".into(),
            id: "AROAQWERTZUIOPASDFGHJ".into(),
            description: "é \"\\".into(),
            max_session: 3600,
            boundary: None,
            tags: [("team".to_owned(), "orders".to_owned())].into(),
            trust: Some(document(&serde_json::json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity"}]))),
            attached: ["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()].into(),
            inline: [("a".to_owned(), Some(document(&Value::from(statements)))), ("b".to_owned(), None)].into(),
        };
        let packed = Packed::of(&role);
        let back: Role = packed.read().unwrap();
        assert_eq!(back, role);
        assert_eq!(back.inline["a"].as_ref().map(Document::to_json), role.inline["a"].as_ref().map(Document::to_json));
        assert_eq!(Packed::of(&back), packed);
        let text = packed.unpack().len();
        assert!(packed.size() * 5 < text * 2, "{} of {text}", packed.size());
    }

    #[test]
    fn a_status_takes_a_fraction_of_its_text() {
        let arn = "arn:aws:iam::111122223333:role/irsa/prod-1/orders.invoices-5f0c";
        let role = RoleInfo {
            account: "111122223333".into(),
            arn: arn.into(),
            id: Some("AROAQWERTZUIOPASDFGHJ".into()),
            provider_arn: "arn:aws:iam::111122223333:oidc-provider/oidc.example.org/id/prod-1".into(),
            service_account: "orders/invoices".into(),
            grants: true,
        };
        let class = Some("default".to_owned());
        let outcome = Outcome { generation: 3, class, role: Some(role), ..Outcome::default() };
        let status = status(&Default::default(), &outcome, &Time(Timestamp::UNIX_EPOCH));
        // The API server writes keys in order.
        let text = serde_json::to_value(&status).unwrap().to_string();
        let size = Packed::pack(&text).size();
        assert!(size * 7 < text.len() * 2, "{size} of {}: have its sentences changed?", text.len());
    }
}
