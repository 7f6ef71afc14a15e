// A real OpenID Connect provider (npm's certified oidc-provider) with its own pages of login and consent. Whoever logs in is called what
// they write there; everybody is in the groups that HANDOVER_GROUPS names. Prints its metadata as one line when it listens.
import { Provider } from 'oidc-provider';

// Whoever waits for the one line on standard output reads no more of it.
console.info = console.error;

const base = process.env.HANDOVER_BASE;
const issuer = process.env.HANDOVER_ISSUER;
const groups = (process.env.HANDOVER_GROUPS ?? '').split(' ').filter(Boolean);
const known = process.env.HANDOVER_SECRET
  ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: process.env.HANDOVER_SECRET }
  : { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${base}/.well-known/jwks.json` };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'handover',
      redirect_uris: [`${base}/console/login/openid/back`],
      post_logout_redirect_uris: [`${base}/console/login`],
      backchannel_logout_uri: `${base}/console/login/openid/logout`,
      backchannel_logout_session_required: true,
      response_types: ['code'],
      grant_types: ['authorization_code'],
      ...known,
    },
  ],
  scopes: ['openid', 'email', 'groups'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
  // As large providers do; by itself it takes no ES384 from clients.
  enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] },
  features: { backchannelLogout: { enabled: true } },
  pkce: { required: () => true },
  // It gets keys and sends logouts on this machine alone, which it would not do by itself.
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@lakeside.example`, email_verified: true, groups }),
  }),
});
for (const event of ['server_error', 'grant.error', 'authorization.error', 'backchannel.error']) {
  provider.on(event, (_, error) => console.error(event, error?.message, error?.error_description ?? '', error?.error_detail ?? ''));
}
provider.on('backchannel.success', () => console.error('backchannel.success'));
provider.listen(Number(new URL(issuer).port), '127.0.0.1', async () => {
  const said = await fetch(`${issuer}/.well-known/openid-configuration`);
  console.log(JSON.stringify(await said.json()));
});
