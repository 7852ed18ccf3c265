//! Secrets that stand in a variable or in an SSM SecureString that a variable names.

use anyhow::Context;
use aws_sdk_ssm::Client;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::settings::{SecretSource, clean};
use crate::text::{HIDDEN, shown};

/// Reads secrets. A client for SSM is made only when a secret is there.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    client: OnceCell<Client>,
}

impl Secrets {
    /// The secret itself.
    ///
    /// # Errors
    /// When the parameter cannot be read or is empty; names the variable and the parameter, never a value.
    pub async fn read(&self, source: SecretSource) -> anyhow::Result<SecretString> {
        let (variable, name) = match source {
            SecretSource::Value(value) => return Ok(value),
            SecretSource::Parameter { variable, name } => (variable, name),
        };
        // A secret in the place of a name is not told, nor sent as one.
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_.-/:".contains(letter);
        anyhow::ensure!(name.chars().all(is_name), "{variable} is no name of an SSM parameter; {HIDDEN}");
        let client =
            self.client.get_or_try_init(|| async { super::sdk_config().await.map(|sdk| Client::new(&sdk)) }).await?;
        let answer = client.get_parameter().name(&name).with_decryption(true).send().await;
        // The chain of causes in words; the error's debug form could hold the answer, and with it the value.
        let parameter =
            answer.with_context(|| format!("{variable}: reading SSM parameter {}", shown(&name)))?.parameter;
        let value = parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        let value = clean(&variable, &value)?
            .with_context(|| format!("{variable}: SSM parameter {} is empty", shown(&name)))?;
        Ok(SecretString::from(value))
    }
}
