//! Certificates for servers at `localhost` and 127.0.0.1.

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

/// What a certificate says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// That of a server.
    Server,
    /// That of an authority, which `openssl req -x509` makes unless told otherwise.
    Authority,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Certificate {
    /// As it is sent.
    pub der: Vec<u8>,
    /// As it stands in files.
    pub pem: String,
    /// Its private key (PKCS #8).
    pub key: Vec<u8>,
}

impl Certificate {
    /// One that is its own authority, valid until the year 2100.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn self_signed(kind: Kind) -> Result<Self> {
        let mut parameters = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2100, 1, 1);
        if kind == Kind::Authority {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate()?;
        let made = parameters.self_signed(&key)?;
        Ok(Self { der: made.der().to_vec(), pem: made.pem(), key: key.serialize_der() })
    }
}
