package pages

import (
	"fmt"
	"reflect"
	"strings"
)

// Texts is every word of the default pages, for another language or another tone. An empty field
// is English, and no page says so: [Texts.Missing] does. "%s" stands for a name or a host, once in each text whose default has it.
type Texts struct {
	LoginTitle   string // "Sign in"
	LoginTo      string // "to continue to %s"
	LoginFailed  string
	LoginLimited string
	Username     string
	Password     string
	LoginSubmit  string
	LoginCancel  string

	AccountsTitle string // "Choose an account"

	ConsentTitle string // "Authorize"
	ConsentLead  string // "%s asks for access to your account."
	ClientHost   string
	SignedInAs   string
	SentTo       string
	ScopesTitle  string
	Optional     string // beside a scope that need not be allowed
	Resources    string
	Details      string
	NoScopes     string
	Offline      string
	Manage       string // the link to ApplicationsTitle
	Allow        string
	Deny         string
	NotYou       string
	Switch       string

	DeviceTitle         string // "Connect a device"
	DeviceLead          string
	UserCode            string
	DeviceSubmit        string
	DeviceFailed        string
	DeviceLimited       string
	DeviceConfirm       string // asks whether the device shows the code
	DeviceConfirmLead   string // "%s wants to connect. ..."
	DeviceWarning       string // against links that somebody else sent
	DeviceConfirmSubmit string
	DeviceCancel        string
	DeviceConsentCode   string // before the code, on the consent page
	DeviceDoneTitle     string
	DeviceDone          string // "%s is connected to your account."
	DeviceReturn        string
	DeviceDeniedTitle   string
	DeviceDenied        string

	VerifierTitle       string // "Access allowed"
	VerifierLead        string // "Type this code into %s."
	VerifierNote        string
	VerifierDeniedTitle string
	VerifierDenied      string

	ClientSite   string
	ClientPolicy string
	ClientTerms  string

	ApplicationsTitle string // "Connected applications"
	ApplicationsLead  string
	ApplicationsNone  string
	ApplicationSince  string // "Allowed on %s.", a day
	ApplicationUsed   string // "Last used on %s."
	ApplicationRevoke string
	SignOut           string

	ErrorTitle   string // "Error"
	Failed       string // for each Reason a sentence
	Finished     string
	Expired      string
	OtherBrowser string
	OtherUser    string
	Restart      string
	Return       string // "Return to %s"
	ReturnNote   string // why there is a link instead of a redirect; with "%s"

	PostTitle  string // "One moment"
	PostLead   string // "You are being sent back to %s."
	PostSubmit string
}

// English returns the default texts.
func English() Texts {
	return Texts{
		LoginTitle:   "Sign in",
		LoginTo:      "to continue to %s",
		LoginFailed:  "The username or the password is not right. Please try again.",
		LoginLimited: "Too many attempts. Please wait a little, then try again.",
		Username:     "Username",
		Password:     "Password",
		LoginSubmit:  "Sign in",
		LoginCancel:  "Cancel",

		AccountsTitle: "Choose an account",

		ConsentTitle: "Authorize",
		ConsentLead:  "%s asks for access to your account.",
		ClientHost:   "Identified by",
		SignedInAs:   "Signed in as",
		SentTo:       "You will be sent to",
		ScopesTitle:  "It will be able to",
		Optional:     "optional",
		Resources:    "At",
		Details:      "In detail",
		NoScopes:     "It asks for nothing in particular.",
		Offline:      "It keeps this access while you are away, until you withdraw it.",
		Manage:       "See what you allowed",
		Allow:        "Allow",
		Deny:         "Deny",
		NotYou:       "Not you?",
		Switch:       "Use another account",

		DeviceTitle:         "Connect a device",
		DeviceLead:          "Enter the code that your device shows.",
		UserCode:            "Code",
		DeviceSubmit:        "Continue",
		DeviceFailed:        "No device shows this code now. Please compare it, or ask the device for another one.",
		DeviceLimited:       "Too many wrong codes. Please wait a little, then try again.",
		DeviceConfirm:       "Does your device show this code?",
		DeviceConfirmLead:   "%s wants to connect. Does your device show this code?",
		DeviceWarning:       "Continue only if the device is in front of you. If somebody sent you this link or this code, they would get access to your account.",
		DeviceConfirmSubmit: "Yes, continue",
		DeviceCancel:        "No, cancel",
		DeviceConsentCode:   "Code on your device",
		DeviceDoneTitle:     "Device connected",
		DeviceDone:          "%s is connected to your account.",
		DeviceReturn:        "You can close this page and go back to your device.",
		DeviceDeniedTitle:   "Device not connected",
		DeviceDenied:        "It has no access to your account. You can close this page.",

		VerifierTitle:       "Access allowed",
		VerifierLead:        "To go on, type this code into %s:",
		VerifierNote:        "It is good once, and for a few minutes. If somebody asks you for it, do not tell them: they would get access to your account.",
		VerifierDeniedTitle: "Access denied",
		VerifierDenied:      "It has no access to your account. You can close this page.",

		ClientSite:   "Website",
		ClientPolicy: "Privacy policy",
		ClientTerms:  "Terms of service",

		ApplicationsTitle: "Connected applications",
		ApplicationsLead:  "These applications have access to your account.",
		ApplicationsNone:  "No application has access to your account.",
		ApplicationSince:  "Allowed on %s.",
		ApplicationUsed:   "Last used on %s.",
		ApplicationRevoke: "Remove access",
		SignOut:           "Sign out",

		ErrorTitle:   "Error",
		Failed:       "This request cannot be completed.",
		Finished:     "This request has already been completed. You may close this page.",
		Expired:      "This request has expired.",
		OtherBrowser: "This request was begun in another browser, or its cookies are gone.",
		OtherUser:    "Somebody else has signed in since this page was opened.",
		Restart:      "Start again",
		Return:       "Return to %s",
		ReturnNote:   "You can go back and let the application know. Do so only if you know and trust %s.",

		PostTitle:  "One moment",
		PostLead:   "You are being sent back to %s.",
		PostSubmit: "Continue",
	}
}

// Missing returns the names of the fields that are empty, in their order: what [New] will take from [English]. A language is complete
// where there are none: hold yours against it in a test, since a later version may have more words.
func (t *Texts) Missing() []string {
	var names []string
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		if v.Field(i).String() == "" {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

// complete puts English into the empty fields.
func (t *Texts) complete() error {
	english := reflect.ValueOf(English())
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		field, want := v.Field(i), english.Field(i).String()
		if field.String() == "" {
			field.SetString(want)
		}
		if strings.Count(field.String(), "%s") != strings.Count(want, "%s") {
			return fmt.Errorf("pages: Options.Texts.%s is %q and must have as many %%s as %q",
				v.Type().Field(i).Name, field.String(), want)
		}
	}
	return nil
}

func (t *Texts) reason(r Reason) string {
	switch r {
	case Finished:
		return t.Finished
	case Expired:
		return t.Expired
	case OtherBrowser:
		return t.OtherBrowser
	case OtherUser:
		return t.OtherUser
	default:
		return t.Failed
	}
}

func before(text string) string {
	s, _, _ := strings.Cut(text, "%s")
	return s
}

func after(text string) string {
	_, s, _ := strings.Cut(text, "%s")
	return s
}
