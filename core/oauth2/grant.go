package oauth2

// The grant types of the token endpoint, as grant_type and the metadata of clients and servers have them.
const (
	GrantAuthorizationCode = "authorization_code"                              // RFC 6749, section 4.1
	GrantRefreshToken      = "refresh_token"                                   // RFC 6749, section 6
	GrantClientCredentials = "client_credentials"                              // RFC 6749, section 4.4
	GrantImplicit          = "implicit"                                        // RFC 6749, section 4.2; in metadata alone
	GrantPassword          = "password"                                        // RFC 6749, section 4.3
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628, section 3.4
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523, section 2.1
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693, section 2.1
)
