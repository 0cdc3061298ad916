//! Parameters → outgoing authentication: `plain`, `basic`, `bearer`, `header`, `zadarma`.

/// How requests to the provider are authenticated (`[websms] auth_method`).
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// Two more parameters.
    Plain {
        /// Name of the user parameter; empty: none.
        key_user: Vec<u8>,
        /// Name of the secret's parameter; empty: none.
        key_secret: Vec<u8>,
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Basic`; with both empty, none.
    Basic {
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// `auth_passwd`.
        token: Vec<u8>,
    },
    /// The header named `auth_user` with the value `auth_passwd`.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Zadarma's signature.
    Zadarma {
        /// `auth_user`.
        user: String,
        /// `auth_passwd`.
        secret: Vec<u8>,
    },
}

/// Says the method and nothing of the credentials.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Auth::None => "None",
            Auth::Plain { .. } => "Plain",
            Auth::Basic { .. } => "Basic",
            Auth::Bearer { .. } => "Bearer",
            Auth::Header { .. } => "Header",
            Auth::Zadarma { .. } => "Zadarma",
        })
    }
}
