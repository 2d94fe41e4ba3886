//! Bearer tokens: made of random bits, known by their digest.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a token that is made here: 256 bits.
const BYTES: usize = 32;
/// Fewest characters of a token that was made elsewhere: 128 bits in hexadecimal digits.
const MIN_CHARACTERS: usize = 32;

/// A bearer token. Neither shown nor logged: [`reveal`](Self::reveal) is the only way to read it.
#[derive(Clone)]
pub struct Token(String);

/// Why a text is not a token, or why none could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The system gave no random bytes.
    #[error("system gave no random bytes: {0}")]
    NoRandomness(String),
    /// Too short to resist guessing.
    #[error("token has {got} characters, at least {MIN_CHARACTERS} are needed")]
    TooShort {
        /// Characters found.
        got: usize,
    },
    /// It could not be sent in a header.
    #[error("token has characters outside A-Z a-z 0-9 - . _ ~ + / =")]
    BadCharacter,
}

impl Token {
    /// A new token of 256 random bits, written as 64 hexadecimal digits.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub fn generate() -> Result<Self, TokenError> {
        let mut bytes = [0_u8; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| TokenError::NoRandomness(error.to_string()))?;
        Ok(Self(blake3::Hash::from(bytes).to_hex().to_string()))
    }

    /// A token that was made elsewhere.
    ///
    /// # Errors
    /// It is shorter than 32 characters, or could not be sent in a header.
    pub fn new(text: impl Into<String>) -> Result<Self, TokenError> {
        let text = text.into();
        if text.len() < MIN_CHARACTERS {
            return Err(TokenError::TooShort { got: text.len() });
        }
        let sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !text.bytes().all(sendable) {
            return Err(TokenError::BadCharacter);
        }
        Ok(Self(text))
    }

    /// The text, for the one file or terminal that it is shown in.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a server keeps of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Serialize for Token {
    /// Written in full: only [`ConnectionFile`](crate::ConnectionFile) has one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// BLAKE3 digest of a token. Two of them are compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenDigest(blake3::Hash);

impl TokenDigest {
    /// The digest of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(blake3::hash(text.as_bytes()))
    }

    /// A digest as it was stored: 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(Self)
    }

    /// Whether a text has this digest. The comparison of `blake3::Hash` takes the same time wherever two differ.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0 == blake3::hash(text.as_bytes())
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({}…)", &self.0.to_hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown_and_never_made_twice() {
        let (one, other) = (Token::generate().expect("random"), Token::generate().expect("random"));
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(format!("{one:?}"), "Token(redacted)");
        assert!(!format!("{:?}", one.digest()).contains(one.reveal()));
        assert!(one.digest().matches(one.reveal()));
        assert!(!one.digest().matches(other.reveal()));
        assert!(!one.digest().matches(""));
    }

    #[test]
    fn a_weak_or_unsendable_token_is_refused() {
        assert!(matches!(Token::new("secret"), Err(TokenError::TooShort { got: 6 })));
        assert!(matches!(Token::new("x".repeat(31) + " y"), Err(TokenError::BadCharacter)));
        assert!(Token::new("0123456789abcdef0123456789abcdef").is_ok());
    }

    #[test]
    fn a_digest_is_read_back() {
        let token = Token::generate().expect("random");
        let hex = blake3::hash(token.reveal().as_bytes()).to_hex();
        assert!(TokenDigest::from_hex(&hex).expect("a digest").matches(token.reveal()));
        assert!(TokenDigest::from_hex("nonsense").is_none());
    }
}
