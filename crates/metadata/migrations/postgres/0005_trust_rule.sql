-- How an issuer is believed that the system's certificates do not vouch for, or that cannot be asked at all: PEM
-- certificates to trust beside the system's, and its keys (a JWK set) in place of those it publishes.
ALTER TABLE trust_rule ADD COLUMN ca_certificate TEXT;
ALTER TABLE trust_rule ADD COLUMN keys TEXT;
