//! A resource of a policy, taken apart.
//!
//! IAM lets `*` cross colons where it is the last character of a segment, and does not say what it does elsewhere (IAM
//! user guide, "IAM JSON policy elements: Resource"). So a resource counts as inside of another only if it is by each way
//! in which this can be read, that by whole strings among them.

use super::glob::{self, Place};

/// Which `*` reach over colons.
#[derive(Clone, Copy)]
enum Crossing {
    /// All.
    Always,
    /// Those that end a segment.
    AtEnd,
    /// None.
    Never,
}

/// A way to read an ARN: what holds in its first five parts, and what holds in the sixth, which has colons of its own.
const READINGS: [(Crossing, Crossing); 4] = [
    (Crossing::Always, Crossing::Always),
    (Crossing::AtEnd, Crossing::AtEnd),
    (Crossing::AtEnd, Crossing::Always),
    (Crossing::Never, Crossing::Always),
];

/// The colons of an ARN.
const COLONS: usize = 5;
/// The longest ARN (IAM API reference, `arnType`). IAM counts no white space of a document, so this bounds the work.
const LONGEST: usize = 2048;

/// A resource: its places by each reading.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    readings: [Vec<Place>; READINGS.len()],
    variable: bool,
}

/// What a text is made of, however it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(u8),
    One,
    Any,
    Variable,
}

impl Resource {
    /// Takes a text apart.
    ///
    /// # Errors
    /// Says what is wrong with it and what to write instead, as the end of a sentence that begins with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(c) = text.chars().find(|c| !c.is_ascii()) {
            return Err(format!(
                "holds {c:?} (U+{:04X}), and only ASCII can be compared with certainty; write * in its place",
                u32::from(c)
            ));
        }
        if text.len() > LONGEST {
            return Err(format!("has {} characters, and no ARN has more than {LONGEST}; shorten it", text.len()));
        }
        let tokens = tokens(text.as_bytes())?;
        let colons = tokens.iter().filter(|token| **token == Token::Char(b':')).count();
        // IAM completes what is shorter with `*`: "arn:aws:sqs" is all queues (IAM user guide, "IAM identifiers").
        if text != "*" && (!text.starts_with("arn:") || colons < COLONS) {
            return Err("has not all six parts of an ARN, and IAM puts * for each that is missing; write \
                        arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"
                .to_owned());
        }
        Ok(Self {
            readings: READINGS.map(|reading| places(&tokens, reading)),
            variable: tokens.contains(&Token::Variable),
        })
    }

    /// Whether all that `tenant` stands for is inside, whichever way IAM reads the two.
    pub fn covers(&self, tenant: &Self) -> bool {
        self.readings.iter().zip(&tenant.readings).all(|(ours, theirs)| glob::covers(ours, theirs))
    }

    /// Whether it holds a policy variable.
    pub fn varies(&self) -> bool {
        self.variable
    }
}

fn tokens(text: &[u8]) -> Result<Vec<Token>, String> {
    let mut found = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        found.push(match first {
            b'*' => Token::Any,
            b'?' => Token::One,
            b'$' => {
                rest = variable(after).ok_or(
                    "holds a $ that begins no policy variable as IAM documents them; write ${aws:KEY}, or ${$} for the \
                     character itself",
                )?;
                Token::Variable
            }
            byte => Token::Char(*byte),
        });
    }
    Ok(found)
}

/// What follows the variable whose `$` was read. Nothing is guessed where a brace or a quote leaves open where it ends.
/// `${*}`, `${?}` and `${$}` are characters and no variables, but IAM's word for them is the same.
fn variable(text: &[u8]) -> Option<&[u8]> {
    let inside = text.strip_prefix(b"{")?;
    let end = inside.iter().position(|byte| *byte == b'}')?;
    let (name, after) = (&inside[..end], &inside[end + 1..]);
    let quotes = name.iter().filter(|byte| **byte == b'\'').count();
    let plain = name == b"$" || !name.iter().any(|byte| b"${".contains(byte));
    (!name.is_empty() && plain && quotes % 2 == 0).then_some(after)
}

fn places(tokens: &[Token], (early, late): (Crossing, Crossing)) -> Vec<Place> {
    // Not an ARN that is read part by part: it is all there is.
    if tokens == [Token::Any] {
        return vec![Place::Any { colon: true }];
    }
    let mut colons = 0;
    let place = |(at, token): (usize, &Token)| {
        let crossing = if colons < COLONS { early } else { late };
        let last = matches!(tokens.get(at + 1), None | Some(Token::Char(b':')));
        let always = matches!(crossing, Crossing::Always);
        match token {
            Token::Char(byte) => {
                colons += usize::from(*byte == b':');
                Place::Char(*byte)
            }
            Token::One => Place::One { colon: always },
            Token::Any => Place::Any { colon: always || (last && matches!(crossing, Crossing::AtEnd)) },
            // Its value is what it is, whatever stands around it.
            Token::Variable => Place::Any { colon: true },
        }
    };
    tokens.iter().enumerate().map(place).collect()
}
