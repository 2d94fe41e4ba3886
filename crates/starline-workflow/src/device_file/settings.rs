//! How a device elsewhere is reached, as an operator decides it.

use starline_types::Millis;

/// When a device is connected, and how long silence is endured: the section `connection`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// Whether it is connected without being asked to. True by default.
    pub auto: bool,
    /// Wait before the second try; doubled from try to try. 1 s by default, never zero.
    pub base: Millis,
    /// Longest wait between two tries, at least `base`. 60 s by default.
    pub cap: Millis,
    /// Tries in a row before the device counts as failed; 0, the default: for ever.
    pub max: u32,
    /// Time between two signs of life. 5 s by default, never zero.
    pub heartbeat: Millis,
    /// How long the device may go on with its work after the last sign of life. 20 s by default, at least three
    /// heartbeats and 500 ms.
    pub lease: Millis,
}

impl ConnectionSettings {
    /// What a lease has beside three heartbeats, at least.
    pub(crate) const MARGIN: Millis = Millis(500);

    /// Shortest lease for a heartbeat: three of them and a margin.
    pub(crate) fn shortest_lease(heartbeat: Millis) -> Millis {
        Millis(heartbeat.0.saturating_mul(3).saturating_add(Self::MARGIN.0))
    }
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            auto: true,
            base: Millis::from_secs(1),
            cap: Millis::from_secs(60),
            max: 0,
            heartbeat: Millis::from_secs(5),
            lease: Millis::from_secs(20),
        }
    }
}

/// What is shown to a device, and what it must show: the section `auth`. Files name variables, never secrets.
///
/// Either `token_env` is there, or `cert_file` with `key_env`, or none of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuthSettings {
    /// Environment variable with the bearer token.
    pub token_env: Option<String>,
    /// File with the certificate that is shown to the device.
    pub cert_file: Option<String>,
    /// Environment variable with the private key of the certificate.
    pub key_env: Option<String>,
    /// File with the certificates that are trusted, in place of those of the system.
    pub ca_file: Option<String>,
    /// Name that the certificate of the device must bear; `None`: the host of the address.
    pub server_name: Option<String>,
    /// Environment variable with the path of the private key for SSH; `None`: what the settings of SSH say.
    pub identity_file_env: Option<String>,
}

/// Which addresses may be connected to: the section `network`. All false by default.
///
/// Names are resolved when the device is connected, and these rules are for every address that a name stands for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// Whether this machine may be connected to.
    pub allow_loopback: bool,
    /// Whether addresses of private networks are refused.
    pub block_private: bool,
    /// Whether a connection without TLS may leave this machine.
    pub allow_plaintext: bool,
}

/// What runs at the other end of an SSH connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SshMode {
    /// The device host of starline, which ends attempts when their lease ends.
    #[default]
    Host,
    /// Nothing of starline. An attempt whose connection is lost may go on, so the device is not fenced.
    Plain,
}

impl SshMode {
    /// The word in a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Plain => "plain",
        }
    }
}
