-- The data model of the platform: the tables that the smoke tests and the integrity checks touch.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS cube;
CREATE EXTENSION IF NOT EXISTS earthdistance;

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    phone text NOT NULL UNIQUE CHECK (phone ~ '^\+[1-9][0-9]{7,14}$'),
    name text NOT NULL,
    preferred_language text NOT NULL DEFAULT 'ar' CHECK (preferred_language IN ('ar', 'en')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE service_categories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name_en text NOT NULL UNIQUE,
    name_ar text NOT NULL
);

CREATE TABLE providers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name_en text NOT NULL,
    name_ar text NOT NULL,
    city text NOT NULL,
    location point NOT NULL, -- (longitude, latitude)
    rating numeric(2, 1) NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    verified boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_providers_location ON providers USING gist (location);

CREATE TABLE services (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider_id uuid NOT NULL REFERENCES providers ON DELETE CASCADE,
    category_id uuid NOT NULL REFERENCES service_categories,
    name_en text NOT NULL,
    name_ar text NOT NULL,
    price numeric(8, 3) NOT NULL CHECK (price >= 0), -- JOD
    currency text NOT NULL DEFAULT 'JOD' CHECK (currency = 'JOD'),
    duration_minutes integer NOT NULL CHECK (duration_minutes BETWEEN 5 AND 480),
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX idx_services_provider ON services (provider_id);

CREATE TABLE provider_availability (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider_id uuid NOT NULL REFERENCES providers ON DELETE CASCADE,
    day_of_week smallint NOT NULL CHECK (day_of_week BETWEEN 0 AND 6), -- 0 is Sunday
    opens time NOT NULL,
    closes time NOT NULL CHECK (closes > opens),
    UNIQUE (provider_id, day_of_week)
);

CREATE TABLE bookings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    provider_id uuid NOT NULL REFERENCES providers,
    service_id uuid NOT NULL REFERENCES services,
    date date NOT NULL,
    start_time time NOT NULL,
    end_time time NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'confirmed', 'completed', 'cancelled', 'no_show')),
    total_price numeric(8, 3) NOT NULL,
    platform_fee numeric(8, 3) NOT NULL,
    provider_earnings numeric(8, 3) NOT NULL,
    currency text NOT NULL DEFAULT 'JOD' CHECK (currency = 'JOD'),
    payment_method text NOT NULL CHECK (payment_method IN ('cash', 'card', 'wallet')),
    payment_status text NOT NULL DEFAULT 'pending' CHECK (payment_status IN ('pending', 'paid', 'refunded', 'failed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bookings_end_after_start CHECK (end_time > start_time),
    CONSTRAINT bookings_price_adds_up CHECK (total_price = platform_fee + provider_earnings),
    CONSTRAINT bookings_no_overlap EXCLUDE USING gist (
        provider_id WITH =,
        tsrange(date + start_time, date + end_time) WITH &&
    ) WHERE (status IN ('pending', 'confirmed'))
);
CREATE INDEX idx_bookings_user ON bookings (user_id);

CREATE TABLE payments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    booking_id uuid NOT NULL REFERENCES bookings ON DELETE CASCADE,
    charge_id text NOT NULL UNIQUE,
    amount numeric(8, 3) NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency = 'JOD'),
    status text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_payments_booking ON payments (booking_id);
