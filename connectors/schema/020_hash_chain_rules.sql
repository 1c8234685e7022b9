-- The files of every rule version are links of the chain (ADR 27); their contents are known by their SHA-256.
select quality.chain_table('mart.rule_file', 'rule_version,path', 'sha256');
