import { describePlans } from './suites.ts';

describePlans('P11 OpenID Connect plans', (plan) => plan.startsWith('oidcc-') && !plan.includes('formpost'));
