/**
 * Every audit event there is, with the shape of its `details` (FEATURES C5). Alphabetical. No field may hold a secret, a bearer
 * token or more personal data than the event is about.
 */
type None = Record<string, never>;

export interface AuditCatalogue {
  'api.denied': { permission: string; route: string };
  'authn.challenge.failed': { method: string };
  'authn.challenge.succeeded': { method: string };
  'authn.locked': { scope: string };
  'authn.login.failed': { method: string };
  'authn.login.succeeded': { method: string; acr?: string | undefined; amr?: readonly string[] | undefined };
  'authn.logout': { everywhere?: boolean | undefined };
  'authn.password.changed': None;
  'authn.password.reset': None;
  'authn.password.reset_requested': None;
  'authn.register.refused': None;
  'authn.register.succeeded': None;
  'authn.unlocked': None;
  'authn.upstream.linked': { provider: string; issuer: string; how: 'sign-up' | 'address' | 'sign-in' | 'account' };
  'authn.upstream.unlinked': { provider: string; issuer: string };
  'authz.decision': {
    action: string;
    resource: string;
    allowed: boolean;
    reason?: string | undefined;
    /** What was asked, for replays of a policy; left out where it is large. */
    request?: Partial<Record<'attributes' | 'context' | 'actionProperties', Record<string, unknown> | undefined>> | undefined;
  };
  'client.created': { source: string };
  'client.deleted': None;
  'client.disabled': None;
  'client.enabled': None;
  'client.secret_removed': None;
  'client.secret_rotated': { overlapSeconds: number };
  'client.updated': { fields: readonly string[] };
  'entity.registered': { count: number; types: readonly string[] };
  'entity.removed': None;
  'group.created': None;
  'group.member_added': { userId: string };
  'group.member_removed': { userId: string };
  'identity.email_change_undone': None;
  'identity.email_changed': None;
  'identity.email_verified': None;
  'identity.organization_created': None;
  'identity.profile_updated': { fields: readonly string[] };
  'identity.unproven_address_claimed': { provider: string };
  'identity.user_created': { source: string };
  'identity.user_deactivated': None;
  'identity.user_reactivated': None;
  'identity.user_updated': { fields: readonly string[] };
  'identity_provider.created': { kind: string };
  'identity_provider.deleted': { kind: string };
  'identity_provider.updated': { fields: readonly string[] };
  'key.activated': { alg: string };
  'key.created': { alg: string };
  'key.retired': { alg: string };
  'key.withdrawn': { alg: string };
  'mfa.code_sent': { method: string };
  'mfa.clone_suspected': { stored: number; seen: number };
  'mfa.device_added': { kind: string };
  'mfa.device_removed': { kind: string };
  'mfa.policy_changed': { requirement: string };
  'mfa.recovery_codes_made': None;
  'oidc.backchannel_logout': { delivered: boolean };
  'oidc.ciba.approved': None;
  'oidc.ciba.denied': None;
  'oidc.ciba.requested': { bindingMessage: string };
  'oidc.consent.denied': None;
  'oidc.consent.granted': { scopes: readonly string[] };
  'oidc.consent.withdrawn': None;
  'oidc.grant.revoked': { cause: string };
  'oidc.token.exchanged': { scope: string; delegated: boolean };
  'oidc.token.introspected': { active: boolean };
  'oidc.token.issued': { grantType: string; format?: string | undefined; scope?: string | undefined };
  'oidc.token.refreshed': { scope?: string | undefined };
  'oidc.token.refused': { grantType: string; error: string };
  'oidc.token.reuse_detected': None;
  'oidc.token.revoked': { kind: string };
  'policy.activated': { version: number };
  'policy.archived': None;
  'policy.created': { version: number };
  'rbac.group_role_granted': { role: string };
  'rbac.group_role_revoked': { role: string };
  'rbac.permission_created': { permission: string };
  'rbac.permission_deleted': { permission: string };
  'rbac.permission_granted': { permission: string; effect: string };
  'rbac.permission_revoked': { permission: string };
  'rbac.role_assigned': { role: string; expiresAt?: string | undefined };
  'rbac.role_created': { permissions: readonly string[] };
  'rbac.role_deleted': None;
  'rbac.role_unassigned': { role: string };
  'rbac.role_updated': { fields: readonly string[] };
  'rbac.sod_overridden': { rule: string };
  'rbac.sod_rule_created': None;
  'rbac.sod_rule_deleted': None;
  'rbac.sod_rule_updated': None;
  'registration_token.created': { uses: number; expiresInSeconds: number };
  'registration_token.revoked': None;
  'resource.created': { source: string };
  'resource.deleted': None;
  'resource.updated': { fields: readonly string[] };
  'session.ended': { cause: string };
  'session.started': None;
}

export type AuditEventType = keyof AuditCatalogue;
