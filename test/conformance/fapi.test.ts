import { describePlans } from './suites.ts';

describePlans('P9 P11 FAPI 2.0 plans', (plan) => plan.startsWith('fapi2-'));
