//! Whom a client believes over https: servers with a certificate of the system's authorities, and servers whose very
//! certificate stands among these (`SSL_CERT_FILE`), as a git server of one's own often has it. OpenSSL takes the
//! second kind too; webpki takes no certificate of an authority as that of a server.

use std::sync::Arc;

use anyhow::Context;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The system's authorities, or those of the file or folder that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
///
/// # Errors
/// When there are none.
pub fn of_the_system() -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let trust = Trust::new(rustls_native_certs::load_native_certs().certs, &provider)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth())
}

#[derive(Debug)]
struct Trust {
    authorities: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(trusted: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let authorities = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
            .build()
            .context("the system's certificate authorities (SSL_CERT_FILE)")?;
        Ok(Self { authorities, trusted })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.authorities.verify_server_cert(certificate, intermediates, server, ocsp, now) {
            // webpki says this of an authority's certificate, after it has looked at the time.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.trusted.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, server)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parsebook_test_support::certificate::{Certificate, Kind};

    use super::*;

    /// The verdict on a server at `localhost` that shows `shown`, where `trusted` is trusted.
    fn verdict(shown: &Certificate, trusted: &Certificate, server: &'static str, now: UnixTime) -> Result<(), Error> {
        let provider = Arc::new(ring::default_provider());
        let trust = Trust::new(vec![trusted.der.clone().into()], &provider).unwrap();
        let server = ServerName::try_from(server).unwrap();
        trust.verify_server_cert(&shown.der.clone().into(), &[], &server, &[], now).map(|_| ())
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_is_enough_for_its_own_name_and_time() {
        let (now, late) = (UnixTime::now(), UnixTime::since_unix_epoch(Duration::from_secs(9_000_000_000)));
        for kind in [Kind::Authority, Kind::Server] {
            let own = Certificate::self_signed(kind).unwrap();
            let other = Certificate::self_signed(kind).unwrap();
            verdict(&own, &own, "localhost", now).unwrap();
            verdict(&own, &own, "elsewhere.example", now).unwrap_err();
            verdict(&own, &own, "localhost", late).unwrap_err();
            verdict(&other, &own, "localhost", now).unwrap_err();
        }
    }
}
