package owntables_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/glebarez/sqlite"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
	owntables "github.com/go-mandate/mandate/examples/own-tables"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// open returns a database with the tables as the old system left them.
func open(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(sqlite.Open(filepath.Join(t.TempDir(), "app.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pool, err := db.DB(); err == nil {
			_ = pool.Close()
		}
	})
	if err := db.AutoMigrate(&owntables.User{}, &owntables.Client{}, &owntables.Token{}, &owntables.Issued{}, &owntables.FlaskClient{}, &owntables.FlaskToken{}); err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("a passphrase"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	metadata := `{"client_name":"Books","redirect_uris":["https://books.example.com/cb"],"grant_types":["authorization_code","refresh_token","client_credentials"],"scope":"profile email"}`
	hour, now := int64(3600), time.Now().Unix()
	for _, row := range []any{
		&owntables.User{ID: 7, Username: "ada"},
		&owntables.Client{ClientID: "books", ClientSecret: "generated-secret-of-authlib", ClientMetadata: metadata},
		&owntables.Client{ClientID: "chosen", ClientSecret: "$2b$" + string(hash[4:]), ClientMetadata: metadata},
		&owntables.Client{ClientID: "hashed", ClientSecret: "pbkdf2:sha256:1000$salt$a4e1b7b4d1be3fd2f7e1a8c7a7c5ccb7b6f0b3ac32b4e5dd40eee53f8ed2c1b0", ClientMetadata: metadata},
		&owntables.Client{ClientID: "phone", ClientMetadata: strings.Replace(metadata, `"client_name"`, `"token_endpoint_auth_method":"none","client_name"`, 1)},
		&owntables.Client{ClientID: "gone", ClientSecret: "generated-secret-of-authlib", ClientMetadata: metadata, Disabled: true},
		&owntables.Client{ClientID: "over", ClientSecret: "generated-secret-of-authlib", ClientSecretExpiresAt: now - 1, ClientMetadata: metadata},
		&owntables.Token{UserID: 7, ClientID: "books", AccessToken: "oldAccessOfAuthlib0123456789abcdefghijklmn", RefreshToken: "oldRefreshOfAuthlib0123456789abcdefghijklmnopqrst", Scope: "profile email", IssuedAt: now, ExpiresIn: hour},
		&owntables.Token{UserID: 7, ClientID: "phone", AccessToken: "revokedAccess", RefreshToken: "phoneRefreshOfAuthlib0123456789", Scope: "profile", IssuedAt: now, ExpiresIn: 0, AccessTokenRevokedAt: now},
		&owntables.Token{UserID: 7, ClientID: "books", AccessToken: "overAccess", RefreshToken: "overRefreshOfAuthlib0123456789", Scope: "profile", IssuedAt: now - 2*hour, ExpiresIn: hour},
		&owntables.Token{UserID: 7, ClientID: "books", AccessToken: "x1", RefreshToken: "revokedRefreshOfAuthlib0123456789", Scope: "profile", IssuedAt: now, ExpiresIn: hour, RefreshTokenRevokedAt: now},
		&owntables.Token{UserID: 7, ClientID: "deleted", AccessToken: "x2", RefreshToken: "refreshOfNobody0123456789", Scope: "profile", IssuedAt: now, ExpiresIn: hour},
		&owntables.Token{UserID: 0, ClientID: "books", AccessToken: "machineAccess", Scope: "profile", IssuedAt: now, ExpiresIn: hour},
		&owntables.FlaskClient{ClientID: "flask", ClientSecret: "flask-secret", IsConfidential: true, RedirectURIs: "https://a.example/cb https://b.example/cb", DefaultScopes: "email"},
		&owntables.FlaskClient{ClientID: "flask-phone", ClientSecret: "flask-secret", RedirectURIs: "https://a.example/cb"},
		&owntables.FlaskToken{UserID: 7, ClientID: "flask", TokenType: "Bearer", AccessToken: "flaskAccess", RefreshToken: "flaskRefresh", Scopes: "email profile"},
	} {
		if err := db.Create(row).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// site is the application, served.
type site struct {
	*owntables.App
	t    *testing.T
	base string
	db   *gorm.DB
}

// serve serves the application with a framework until the test ends.
func serve(t *testing.T, framework string) *site {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, base: "http://" + l.Addr().String(), db: open(t)}
	if s.App, err = owntables.New(t.Context(), s.db, s.base, mandate.NewRandomSecret()); err != nil {
		t.Fatal(err)
	}
	var h http.Handler
	switch framework {
	case "gin":
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		h, err = r, owntables.Gin(r, s.App)
	case "echo":
		r := echo.New()
		h, err = r, owntables.Echo(r, s.App)
	case "fiber":
		r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
		err = owntables.Fiber(r, s.App)
		go func() { _ = r.Listener(l) }()
		t.Cleanup(func() { _ = r.Shutdown() })
	}
	if err != nil {
		t.Fatal(err)
	}
	if h != nil {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		go func() { _ = srv.Serve(l) }()
		t.Cleanup(func() { _ = srv.Close() })
	}
	return s
}

// ask sends a request with an Authorization field; a form makes it a POST.
func (s *site) ask(path string, form url.Values, user, secret string) (int, map[string]any) {
	s.t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case form == nil:
		req.Header.Set("Authorization", "Bearer "+secret)
	case secret != "":
		req.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(secret))
	default:
		form.Set("client_id", user)
		req.Body = io.NopCloser(strings.NewReader(form.Encode()))
		req.ContentLength = int64(len(form.Encode()))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Errorf("%s: %d without JSON: %v", path, resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// want checks an answer: its status, and the error code or, with 200, a member that it has.
func (s *site) want(status int, answer map[string]any, wantStatus int, member string) {
	s.t.Helper()
	if code, _ := answer["error"].(string); status != wantStatus || status == 200 && answer[member] == nil || status != 200 && code != member {
		s.t.Errorf("answer = %d %v, want %d %s", status, answer, wantStatus, member)
	}
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

const oldAccess, oldRefresh = "oldAccessOfAuthlib0123456789abcdefghijklmn", "oldRefreshOfAuthlib0123456789abcdefghijklmnopqrst"

func TestOwnTables(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"gin", "echo", "fiber"} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			s := serve(t, framework)
			me := func(token string, status int, member string) {
				t.Helper()
				got, answer := s.ask("/me", nil, "", token)
				s.want(got, answer, status, member)
			}
			// Old access tokens, until they run out.
			me(oldAccess, 200, "name")
			for _, token := range []string{"revokedAccess", "overAccess", strings.ToUpper(oldAccess), "nobodys", "mda_nobodys"} {
				me(token, 401, "invalid_token")
			}
			// Clients where they are, with their secrets as they are.
			machine := url.Values{"grant_type": {"client_credentials"}, "scope": {"profile"}}
			for client, secret := range map[string]string{"books": "generated-secret-of-authlib", "chosen": "a passphrase"} {
				got, answer := s.ask("/oauth/token", machine, client, secret)
				s.want(got, answer, 200, "access_token")
				got, answer = s.ask("/oauth/token", machine, client, "wrong")
				s.want(got, answer, 401, "invalid_client")
			}
			for _, client := range []string{"gone", "over", "nobody", "hashed"} {
				got, answer := s.ask("/oauth/token", machine, client, "generated-secret-of-authlib")
				s.want(got, answer, 401, "invalid_client")
			}
			// Old refresh tokens, once.
			for range 2 {
				if n, err := owntables.Import(t.Context(), s.db, s.Server); n != 2 || err != nil {
					t.Fatalf("Import = %d, %v, want 2", n, err)
				}
			}
			got, first := s.ask("/oauth/token", refresh(oldRefresh), "books", "generated-secret-of-authlib")
			s.want(got, first, 200, "refresh_token")
			access, _ := first["access_token"].(string)
			me(access, 200, "name")
			got, answer := s.ask("/oauth/token", refresh("phoneRefreshOfAuthlib0123456789"), "phone", "")
			s.want(got, answer, 200, "refresh_token")
			for _, token := range []string{oldRefresh, "overRefreshOfAuthlib0123456789", "revokedRefreshOfAuthlib0123456789", "refreshOfNobody0123456789"} {
				got, answer := s.ask("/oauth/token", refresh(token), "books", "generated-secret-of-authlib")
				s.want(got, answer, 400, "invalid_grant")
			}
			me(access, 401, "invalid_token") // it was used twice
			me(oldAccess, 200, "name")
			// A row of the application's own for each token.
			var row owntables.Issued
			digest := mandate.DigestOf(access)
			if err := s.db.Where("digest = ?", digest[:]).Take(&row).Error; err != nil || row.ClientID != "books" || row.Subject != "7" || row.Scope != "email profile" && row.Scope != "profile email" || row.GrantID == "" || !row.Expires.After(time.Now()) {
				t.Errorf("row = %+v, %v", row, err)
			}
			// Where it cannot be written, nobody gets a token.
			if err := s.db.Migrator().DropTable(&owntables.Issued{}); err != nil {
				t.Fatal(err)
			}
			got, answer = s.ask("/oauth/token", machine, "books", "generated-secret-of-authlib")
			s.want(got, answer, 500, "server_error")
		})
	}
}

func TestWerkzeug(t *testing.T) {
	t.Parallel()
	s := serve(t, "gin")
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {"profile"}}
	if err := s.db.Model(&owntables.Client{}).Where("client_id = ?", "hashed").Update("client_secret", "pbkdf2:sha256:1000$salt$70ddc2a910a0c7e0e17146178a49b3e8681a5fd21e22f4995cd9d23c078ab459").Error; err != nil {
		t.Fatal(err)
	}
	got, answer := s.ask("/oauth/token", machine, "hashed", "a passphrase")
	s.want(got, answer, 200, "access_token")
	for _, broken := range []string{"pbkdf2:sha256:99999999$salt$00", "pbkdf2:sha256:x$salt$00", "pbkdf2:sha256:1000$salt", "pbkdf2:sha256:1000$salt$zz"} {
		if err := s.db.Model(&owntables.Client{}).Where("client_id = ?", "hashed").Update("client_secret", broken).Error; err != nil {
			t.Fatal(err)
		}
		got, answer := s.ask("/oauth/token", machine, "hashed", "a passphrase")
		s.want(got, answer, 401, "invalid_client")
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	db := open(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("a password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Model(&owntables.User{}).Where("id = 7").Update("password_hash", string(hash)).Error; err != nil {
		t.Fatal(err)
	}
	signIn := owntables.SignIn(db)
	if user, err := signIn(t.Context(), "ada", "a password"); err != nil || user.Subject != "7" {
		t.Errorf("user = %+v, %v, want the subject that old tokens have", user, err)
	}
	for _, pair := range [][2]string{{"ada", "wrong"}, {"bob", "a password"}} {
		if _, err := signIn(t.Context(), pair[0], pair[1]); !errors.Is(err, mandate.AccessDenied) {
			t.Errorf("%v: error = %v, want access_denied", pair, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signIn(ended, "ada", "a password"); err == nil || errors.Is(err, mandate.AccessDenied) {
		t.Errorf("error = %v, want that nobody could tell", err)
	}
}

func TestFlask(t *testing.T) {
	t.Parallel()
	db := open(t)
	st := owntables.FlaskClients(memstore.New(), db)
	c, err := st.Client(t.Context(), "flask")
	if err != nil || len(c.Metadata.RedirectURIs) != 2 || c.Policy.Default != "email" || c.Metadata.Public() || len(c.Secrets) != 1 {
		t.Errorf("client = %+v, %v", c, err)
	}
	if c, err = st.Client(t.Context(), "flask-phone"); err != nil || !c.Metadata.Public() || len(c.Secrets) != 0 {
		t.Errorf("public client = %+v, %v", c, err)
	}
	if _, err = st.Client(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown client: %v", err)
	}
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Lookup(owntables.FlaskTokens{DB: db}.Find)}})
	if err != nil {
		t.Fatal(err)
	}
	rule := guard.Rule(mandate.AllOf(mandate.Scope("email"), mandate.Scope("profile")), false)
	tok, resp := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer flaskAccess"}, rule)
	if resp != nil || tok.Subject() != strconv.Itoa(7) || !tok.Expires().IsZero() {
		t.Errorf("token = %+v, %v", tok.Info(), resp)
	}
	if _, resp := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer FLASKACCESS"}, rule); resp == nil || resp.Status != 401 {
		t.Errorf("another token: %v, want 401", resp)
	}
}

func TestCountIssued(t *testing.T) {
	t.Parallel()
	n := 0
	h := owntables.CountIssued(func(client, subject string, _ time.Time) {
		if client != "books" || subject != "7" {
			t.Errorf("told of %s, %s", client, subject)
		}
		n++
	})
	h.Tell(t.Context(), mandate.Event{Name: mandate.TokenIssued, ClientID: "books", Subject: "7"})
	h.Tell(t.Context(), mandate.Event{Name: mandate.TokenRefused})
	if n != 1 {
		t.Errorf("%d tokens, want 1", n)
	}
}
