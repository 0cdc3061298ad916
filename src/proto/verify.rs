//! A request's credentials or signature against a secret.

/// How a provider proves that a webhook is its own (`[websmsd] auth_method`).
#[derive(Clone, PartialEq, Eq)]
pub enum Scheme {
    /// It does not.
    None,
    /// `Authorization: Basic`.
    Basic {
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Bearer`, the token being `auth_passwd`.
    Bearer {
        /// The token.
        token: Vec<u8>,
    },
}

/// Says the method and nothing of the secret.
impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scheme::None => "None",
            Scheme::Basic { .. } => "Basic",
            Scheme::Bearer { .. } => "Bearer",
        })
    }
}
