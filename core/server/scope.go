package server

// Scope is a scope of the server, and what people read about it on the consent page.
type Scope struct {
	Name        string
	Title       string // a few words: "Read your invoices". Empty: Name
	Description string // a sentence; may be empty
	Public      bool   // clients that registered themselves may ask for it
}
