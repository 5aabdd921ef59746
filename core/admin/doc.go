// Package admin is what an operator needs: clients, their secrets and grants, signing keys, the root secret and the tables
// of the store. [Admin] is the Go API, which a running application may call from routes of its own, and [Run] the
// same as a command, on the application's own server, store and driver:
//
//	func main() {
//		srv, err := newServer(context.Background()) // what the application serves with
//		if err == nil {
//			err = admin.Run(context.Background(), admin.Config{Server: srv}, os.Args[1:], os.Stdout)
//		}
//		if err != nil {
//			fmt.Fprintln(os.Stderr, err)
//			os.Exit(1)
//		}
//	}
//
// What needs no more than a call is not repeated in [Admin]: see [server.Server.RevokeGrants], RevokeToken, SigningKeys, RotateKeys and
// Rewrap, and the parts of [store.Store].
//
// Nobody is asked who they are here: whoever may call this may do everything.
package admin
