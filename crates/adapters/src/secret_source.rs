//! Where a secret stands, before anyone has read it.

use secrecy::SecretString;

/// A secret's place; `Debug` shows no value.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// In the variable itself.
    Value(SecretString),
    /// In the SSM SecureString of this name.
    Parameter {
        /// The variable that names the parameter, for messages.
        variable: String,
        /// The parameter's name or ARN.
        name: String,
    },
}
