-- +goose NO TRANSACTION
-- +goose Up
INSERT INTO goen_schema (one, oldest) VALUES (1, 1) ON DUPLICATE KEY UPDATE oldest = 1;
