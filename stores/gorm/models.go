package gormstore

// The rows of the tables, for an application that wants to look at them with queries of its own:
//
//	var rows []gormstore.Grant
//	db.Table(s.Table("grants")).Where("subject = ?", id).Find(&rows)
//
// The store does not need them, and whoever writes through them takes the store's promises upon himself. All times are Unix
// milliseconds, 0 means never. Texts that are found or compared are bytes to the database: no collation takes
// ABC for abc.

// Client is a row of the table clients.
type Client struct {
	ID       string `gorm:"column:id;primaryKey"`
	Revision int64  `gorm:"column:revision"` // raised by every change
	Disabled bool   `gorm:"column:disabled"`
	Created  int64  `gorm:"column:created"`
	Origin   string `gorm:"column:origin"` // how it came to be registered; empty: by the operator
	Data     string `gorm:"column:data"`   // JSON: secrets (digests and sealed ones alone), metadata, policy
}

// Grant is a row of the table grants: an approval, and the gate of its code and refresh tokens.
type Grant struct {
	ID         string `gorm:"column:id;primaryKey"`
	Digest     []byte `gorm:"column:digest"` // of the handle in its code and refresh tokens; NULL: none. Unique
	KeyID      string `gorm:"column:key_id"` // of the MAC key of the current generation
	ClientID   string `gorm:"column:client_id"`
	Subject    string `gorm:"column:subject"`    // empty where the client acts for itself
	SessionID  string `gorm:"column:session_id"` // may be empty
	Generation int64  `gorm:"column:generation"` // 0 until its code is redeemed
	Revision   int64  `gorm:"column:revision"`   // raised by every redemption, so that each changes the row
	Advanced   int64  `gorm:"column:advanced"`   // when it came to this generation
	Created    int64  `gorm:"column:created"`
	Expires    int64  `gorm:"column:expires"`
	Revoked    int64  `gorm:"column:revoked"`    // 0: alive
	Reason     string `gorm:"column:reason"`     // why it was revoked
	Revocation []byte `gorm:"column:revocation"` // which call revoked it, where one revoked many; NULL: none
	Details    string `gorm:"column:details"`    // JSON: scopes, redirect URI, challenge and what else only the server reads
}

// Token is a row of the table tokens: an opaque access token, or the memory of one that was revoked.
type Token struct {
	Digest  []byte `gorm:"column:digest;primaryKey"`
	GrantID string `gorm:"column:grant_id"` // without that grant, alive, the token is dead; empty: stands under none
	Expires int64  `gorm:"column:expires"`
	Revoked int64  `gorm:"column:revoked"` // 1: by itself
	Data    string `gorm:"column:data"`    // JSON: what is known of it
}

// Ticket is a row of the table tickets: a pushed request, a device code, and what else waits for somebody for a short time.
type Ticket struct {
	Kind      string `gorm:"column:kind;primaryKey"`
	Digest    []byte `gorm:"column:digest;primaryKey"`
	AltDigest []byte `gorm:"column:alt_digest"` // NULL: none. Unique within a kind
	Revision  int64  `gorm:"column:revision"`
	State     string `gorm:"column:state"`
	ClientID  string `gorm:"column:client_id"`
	Subject   string `gorm:"column:subject"`
	GrantID   string `gorm:"column:grant_id"`
	Created   int64  `gorm:"column:created"`
	Expires   int64  `gorm:"column:expires"`
	Used      int64  `gorm:"column:used"` // 0: not used
	Data      string `gorm:"column:data"` // JSON, the kind's own
}

// Use is a row of the table uses: something that may be used once and was.
type Use struct {
	Space   string `gorm:"column:space;primaryKey"`
	Digest  []byte `gorm:"column:digest;primaryKey"`
	Expires int64  `gorm:"column:expires"`
}

// Consent is a row of the table consents: what a subject allowed a client.
type Consent struct {
	Subject  string `gorm:"column:subject;primaryKey"`
	ClientID string `gorm:"column:client_id;primaryKey"`
	Revision int64  `gorm:"column:revision"`
	Scopes   string `gorm:"column:scopes"`
	Updated  int64  `gorm:"column:updated"`
	Expires  int64  `gorm:"column:expires"`
	Data     string `gorm:"column:data"` // JSON
}

// Session is a row of the table sessions: a sign-in of a subject in a browser.
type Session struct {
	ID       string `gorm:"column:id;primaryKey"` // public: the OpenID "sid"
	Digest   []byte `gorm:"column:digest"`        // of the browser's cookie. Unique
	Revision int64  `gorm:"column:revision"`
	Subject  string `gorm:"column:subject"`
	Clients  string `gorm:"column:clients"` // to notify at its end, parted by spaces
	AuthTime int64  `gorm:"column:auth_time"`
	Expires  int64  `gorm:"column:expires"` // the idle end
	Ends     int64  `gorm:"column:ends"`    // the absolute end
	Ended    int64  `gorm:"column:ended"`   // 0: live
	ACR      string `gorm:"column:acr"`
	AMR      string `gorm:"column:amr"`
	Data     string `gorm:"column:data"` // JSON
}

// KeySet is a row of the table key_sets: signing keys, sealed.
type KeySet struct {
	Name     string `gorm:"column:name;primaryKey"`
	Revision int64  `gorm:"column:revision"`
	Sealed   []byte `gorm:"column:sealed"`
}

// RemoteToken is a row of the table remote_tokens: a token at another server, sealed.
type RemoteToken struct {
	Name     string `gorm:"column:name;primaryKey"` // app and account
	Revision int64  `gorm:"column:revision"`
	Sealed   []byte `gorm:"column:sealed"`
	Expires  int64  `gorm:"column:expires"`
	Lease    int64  `gorm:"column:lease"`  // until when one caller refreshes it; 0: nobody
	Leases   int64  `gorm:"column:leases"` // how many there were, so that each changes the row
}

// Table returns the full name of a table: "clients", "grants", "tokens", "tickets", "uses", "consents", "sessions", "key_sets" or
// "remote_tokens" with the prefix before it.
func (s *Store) Table(name string) string { return s.prefix + name }
