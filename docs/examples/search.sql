-- SPDX-License-Identifier: Apache-2.0
-- A shop's search in SQL; see README.md.
.mode tabs
.import data/demo_catalog.tsv product
SELECT relevance_open('data/default.rlv');

.print
.mode markdown
SELECT printf('%.3f', relevance('electric kettle', title)) AS score,
       relevance_label('electric kettle', title) AS label,
       title
  FROM product
 WHERE category = 'Kitchen'
 ORDER BY score DESC
 LIMIT 2;
