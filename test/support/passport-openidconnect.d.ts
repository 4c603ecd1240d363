declare module 'passport-openidconnect' {
  import type { Strategy } from 'passport';

  interface Options {
    issuer: string;
    authorizationURL: string;
    tokenURL: string;
    userInfoURL: string;
    clientID: string;
    clientSecret: string;
    callbackURL: string;
    scope: string[];
    nonce: string;
  }
  type Verify = (issuer: string, profile: object, done: (error: null, user: object) => void) => void;
  const OpenIdStrategy: new (options: Options, verify: Verify) => Strategy;
  export default OpenIdStrategy;
}
