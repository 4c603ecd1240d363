import { describePlans } from './suites.ts';

describePlans('P1 P9 P11 FAPI plans', (plan) => plan.startsWith('fapi'));
