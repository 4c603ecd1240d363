/**
 * Owns: accounts and their identifiers (FEATURES I, A3): who a login name belongs to, and what OpenID Connect may tell of a person.
 * Answers to: OpenID Connect Core 1.0 §5.1.
 */
export { canonicalIdentifier, isEmailAddress, phoneNumberOf, type UserName, userNameOf } from './accounts/identifier.ts';
export { type Account, type Accounts, type Alongside, createAccounts } from './accounts/service.ts';
export { type AddressRepository, createAddressRepository } from './addresses/repository.ts';
export { createDirectory, type Directory } from './create.ts';
export { groupMemberView, groupView } from './groups/routes.ts';
export { GroupBody, GroupQuery, MemberBody as GroupMemberBody } from './groups/schema.ts';
export {
  createIdentifierRepository,
  type Identifier,
  type IdentifierRepository,
  type IdentifierType,
} from './identifiers/repository.ts';
export { type Brand, type BrandDeps, createBrands } from './organizations/brands.ts';
export { organizationMemberView, organizationView } from './organizations/routes.ts';
export {
  MemberBody as OrganizationMemberBody,
  OrganizationBody,
  OrganizationChangeBody,
  OrganizationQuery,
} from './organizations/schema.ts';
export { createPasswordRepository, type PasswordRepository } from './passwords/repository.ts';
export { viewOfUserRecord } from './users/routes.ts';
export { SaidProfile, UserQuery } from './users/schema.ts';
export type { UserOutside } from './users/service.ts';
export { claimsOfProfile, viewOfClaims } from './users/view.ts';
