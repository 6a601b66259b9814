//! Strange documents, by the way that they take from the API server to AWS.

use super::*;

/// What an API server hands over, as text, on the way that it takes: read, variables filled in, checked, written.
fn sent(text: &str) -> Result<Document, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let value = vars().expand_value(&value).map_err(|error| error.to_string())?;
    Document::identity(&value).map_err(|error| error.to_string())
}

/// Whatever a parser made of a strange document: what is sent is what was looked at.
#[test]
fn what_is_looked_at_is_what_is_sent() {
    let wrap = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
    const READ: &str = r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*""#;
    let good = sent(&wrap(READ)).unwrap();
    assert_eq!(violations(&good, &team()), []);
    for (statement, expected) in [
        // The last of two keys counts, for the check as for what is written.
        (
            r#""Effect":"Allow","Action":"iam:*","Action":"s3:GetObject","Resource":"*","Resource":"arn:aws:s3:::team-a/*""#,
            Ok(true),
        ),
        (r#""Effect":"Allow","Action":"s3:GetObject","Action":"iam:*","Resource":"arn:aws:s3:::team-a/*""#, Ok(false)),
        (r#""Effect":"Allow","Effect":"Deny","Action":"iam:*","Resource":"*""#, Ok(true)),
        (r#""Effect":"Deny","Effect":"Allow","Action":"iam:*","Resource":"*""#, Ok(false)),
        // Escapes are letters like others.
        (r#""Effect":"Allow","Action":"iam:\u002a","Resource":"arn:aws:s3:::team-a/*""#, Ok(false)),
        (r#""\u0045ffect":"Allow","\u0041ction":"i\u0061m:PassRole","Resource":"arn:aws:s3:::team-a/x""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/\u0024{aws:username}""#, Ok(true)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-\u003f/x""#, Ok(false)),
        (
            r#""Effect":"Allow","Action":"\u212ams:Decrypt","Resource":"arn:aws:s3:::team-a/x""#,
            Err("which IAM refuses"),
        ),
        // Keys in another case, keys that nobody knows, a second element of the same.
        (
            r#""Effect":"Allow","Action":"s3:GetObject","action":"iam:*","Resource":"arn:aws:s3:::team-a/*""#,
            Err("Action is there already"),
        ),
        (r#""Effect":"Allow","ACTION":"iam:*","Resource":"*""#, Err("did you mean Action?")),
        (r#""effect":"Allow","Effect":"Deny","Action":"iam:*","Resource":"*""#, Err("Effect is there already")),
        (
            r#""Effect":"Allow","Action":"s3:GetObject","NotAction":"s3:GetObject","Resource":"*""#,
            Err("can't stand beside"),
        ),
        (
            r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*","x":{"Effect":"Allow"}"#,
            Err("no element that can stand here"),
        ),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*","Principal":"*""#, Err("does not belong into")),
        (r#""Effect":"allow","Action":"iam:*","Resource":"*""#, Err("in this case of letters")),
        (r#""Effect":["Deny"],"Action":"iam:*","Resource":"*""#, Err("must be \"Allow\" or \"Deny\"")),
        // Lists in lists, and empty ones.
        (r#""Effect":"Allow","Action":[["iam:*"]],"Resource":"*""#, Err("must be a string")),
        (r#""Effect":"Allow","Action":[],"Resource":"*""#, Err("is an empty list")),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":[]"#, Err("is an empty list")),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":null"#, Err("must be a string")),
        (r#""Effect":"Allow","Action":"s3:GetObject""#, Err("is missing; write Resource")),
        (r#""Effect":"Allow","NotAction":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::team-a/*""#, Ok(false)),
        // What a JSON library keeps for itself.
        (
            r#""$serde_json::private::RawValue":"{\"Effect\":\"Allow\",\"Action\":\"iam:*\",\"Resource\":\"*\"}""#,
            Ok(false),
        ),
        (r#""Effect":"Allow","Action":{"$serde_json::private::RawValue":"\"iam:*\""},"Resource":"*""#, Ok(false)),
        (
            r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*",
               "Condition":{"StringEquals":{"a:b":"c","$serde_json::private::RawValue":"{}"}}"#,
            Err("begins with a letter"),
        ),
        // Conditions only take away, whatever is in them.
        (
            r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*",
               "Condition":{"NumericLessThan":{"s3:max-keys":1e2},"Bool":{"aws:SecureTransport":false}}"#,
            Ok(true),
        ),
        // A text of the class's variables, and one that only looks like one.
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::$(namespace)/*""#, Ok(true)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::$(name)/*""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${$}(namespace)/*""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/$""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${a${b}}""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${k, 'a}b'}""#, Ok(false)),
        (r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:${a:b}:team-a/x""#, Ok(false)),
    ] {
        match (sent(&wrap(statement)), expected) {
            (Ok(document), Ok(inside)) => {
                let said = violations(&document, &team());
                assert_eq!(said.is_empty(), inside, "{statement}: {said:?}");
                // Once written it says what it said: nothing comes back in another reading.
                let written = document.to_json();
                assert_eq!(sent(&written).unwrap().to_json(), written);
                assert_eq!(violations(&sent(&written).unwrap(), &team()), said);
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{statement}: {error}"),
            (other, _) => panic!("{statement}: {other:?}"),
        }
    }
    for (text, part) in [
        (r#"{"Version":"2012-10-17","Statement":[],"statement":[{}]}"#, "Statement is there already"),
        (r#"{"Version":"2012-10-17","Version":"2008-10-17","Statement":[]}"#, "2008-10-17"),
        (r#"[{"Version":"2012-10-17"}]"#, "a policy is an object"),
        (r#"{"Version":"2012-10-17","Statement":{}} {}"#, "trailing characters"),
    ] {
        let error = sent(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}
