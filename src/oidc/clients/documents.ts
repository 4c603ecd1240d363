import type { ClientRecord, ClientSource } from '../ports.ts';

/** A client known by its metadata document only lives as long as the document. */
const isDocument = (clientId: string): boolean => clientId.startsWith('https://');

const documentClient = (clientId: string): ClientRecord => ({
  clientId,
  metadata: {},
  settings: {},
  isFirstParty: false,
  isVerified: false,
});

export const withDocuments = (clients: Pick<ClientSource, 'find'>): Pick<ClientSource, 'find'> => ({
  find: async (clientId) => (isDocument(clientId) ? documentClient(clientId) : clients.find(clientId)),
});
