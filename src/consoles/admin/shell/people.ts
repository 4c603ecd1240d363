/** Nobody's id: who has no account reads as who is another tenant's (TN-01). */
export const nobody = '00000000-0000-0000-0000-000000000000';
